"""docs/compatibility.md: every row of the interface leads to tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
LINK = re.compile(r"\[(test_\w+)\]\((\.\./tests/conformance/test_runtime_\w+\.py)\)")
SECTIONS = [f"1.{number}" for number in range(1, 13)]


def _rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").partition("## Every part and its test")[2].splitlines()
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("| 1.")
    ]


def test_every_section_of_the_interface_has_rows() -> None:
    assert sorted({row[0] for row in _rows()}, key=SECTIONS.index) == SECTIONS


def test_every_row_links_to_tests_that_exist() -> None:
    missing = []
    for row in _rows():
        links = LINK.findall(row[-1])
        if not links:
            missing.append(f"{row[1]}: no test")
        for name, target in links:
            source = (PAGE.parent / target).resolve().read_text(encoding="utf-8")
            if f"\ndef {name}(" not in source:
                missing.append(f"{row[1]}: {name} is not in {target}")
    assert missing == []


def test_every_conformance_test_of_the_interface_stands_in_a_row() -> None:
    """A behaviour worth a test is worth a row; internals have unit tests."""
    listed = {name for row in _rows() for name, _ in LINK.findall(row[-1])}
    unlisted = []
    for module in ("surface", "context", "instance", "run", "threads"):
        source = (ROOT / "tests" / "conformance" / f"test_runtime_{module}.py").read_text(encoding="utf-8")
        unlisted += [
            name for name in re.findall(r"^def (test_\w+)\(", source, re.MULTILINE) if name not in listed
        ]
    assert unlisted == []
