"""The rooms, and the names each of them hands out."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from pytest_regressions.data_regression import DataRegressionFixture

ROOT = Path(__file__).resolve().parents[2]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
PUBLIC = [
    "axelera.chip",
    "axelera.compiler",
    "axelera.driver",
    "axelera.driver.bounded",
    "axelera.emulator",
    "axelera.emulator.compute",
    "axelera.emulator.metis",
    "axelera.model",
    "axelera.model.ops",
    "axelera.model.program",
    "axelera.runtime",
    "axelera.runtime.objects",
    "axelera.studies",
    "axelera.zoo",
]


def test_public_names_change_on_purpose(data_regression: DataRegressionFixture) -> None:
    """After a change that is meant: `pytest tests/unit/test_layout.py --force-regen`, and a line in CHANGELOG.md."""
    data_regression.check({name: sorted(importlib.import_module(name).__all__) for name in PUBLIC})


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_every_directory_with_python_is_a_declared_package() -> None:
    found = {
        ".".join(path.parent.relative_to(room).parts)
        for room in ROOT.iterdir()
        if (room / "axelera").is_dir()
        for path in (room / "axelera").rglob("*.py")
    }
    assert found == set(PACKAGES)


def test_nobody_owns_the_shared_namespace() -> None:
    assert [str(path) for path in ROOT.glob("*/axelera/__init__.py")] == []


PARSERS = re.compile(
    r"\b(json\.loads?|tomllib\.loads?|yaml\.\w*load\w*|onnx\.load\w*|pickle|ParseFromString)\b"
)
BOUNDED = {
    "axelera/driver/bounded.py",
    "axelera/compiler/config/_yaml.py",
    "axelera/compiler/_onnx_file.py",
    "axelera/driver/_reservation.py",  # a record of a few KiB
    "axelera/chip/_calibration.py",  # imports nothing of ours; bounded by size
    "axelera/compiler/frontend/_torch.py",  # what was exported in memory just now
    "axelera/compiler/frontend/_rules.py",  # our own data, as the next two
    "axelera/studies/_measured.py",
    "axelera/zoo/_registry.py",
}


def test_nobody_parses_but_the_readers_with_bounds() -> None:
    found = {
        path.relative_to(room).as_posix()
        for room in ROOT.iterdir()
        if (room / "axelera").is_dir()
        for path in (room / "axelera").rglob("*.py")
        if PARSERS.search(path.read_text(encoding="utf-8"))
    }
    assert found <= BOUNDED
