"""The reference page says what the model says."""

from __future__ import annotations

from pathlib import Path

import pytest

from axelera.compiler.config import CompilerConfig
from axelera.compiler.config.reference import main, page

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "compiler-configuration.md"


def test_the_page_in_the_repository_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        f"run: python -m axelera.compiler.config.reference {PAGE.name}"
    )


def test_every_property_has_a_row() -> None:
    rows = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]
    assert rows == list(CompilerConfig.model_fields)


@pytest.mark.parametrize(
    "row",
    [
        "| `aipu_cores_used` (also `aipu_cores`) | int, ≥ 1, ≤ 4 | `1` | **modelled** |",
        "| `icrx_force` | `-1` or int, ≥ 1, ≤ 8 | `-1` |",
        "| `resources_used` (also `resources`) | float, > 0, ≤ 1.0, a multiple of 0.25 | `1.0` |",
    ],
)
def test_a_row_names_spellings_range_default_and_effect(row: str) -> None:
    assert any(line.startswith(row) for line in page().splitlines())


def test_the_program_writes_the_page(tmp_path: Path) -> None:
    assert main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()
