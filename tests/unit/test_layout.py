"""The rooms, and the names each of them hands out."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from pytest_regressions.data_regression import DataRegressionFixture

ROOT = Path(__file__).resolve().parents[2]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"][
    "targets"
]["wheel"]
PUBLIC = [
    "axemu.app",
    "axemu.capi",
    "axemu.chip",
    "axelera.compiler",
    "axelera.compiler.importing",
    "axemu.driver",
    "axemu.driver.bounded",
    "axemu.driver.bounded_yaml",
    "axemu.driver.native",
    "axemu.emulator",
    "axemu.emulator.compute",
    "axemu.emulator.metis",
    "axemu.emulator.watching",
    "axemu.host",
    "axemu.model",
    "axemu.monitor",
    "axemu.pages",
    "axemu.model.ops",
    "axemu.model.passes",
    "axemu.model.program",
    "axemu.model.torchscript",
    "axelera.runtime",
    "axelera.runtime.cv",
    "axelera.runtime.display",
    "axelera.runtime.op",
    "axelera.runtime.scheduler",
    "axelera.runtime.objects",
    "axelera.runtime2",
    "axemu.studies",
    "axemu.studies.deployments",
    "axemu.studies.questions",
    "axemu.studies.evaluation",
    "axemu.testing",
    "axemu.testing.vectors",
    "axemu.zoo",
]


def test_public_names_change_on_purpose(data_regression: DataRegressionFixture) -> None:
    """After a change that is meant: `pytest tests/unit/test_layout.py --force-regen`, and a line in CHANGELOG.md."""
    data_regression.check({name: sorted(importlib.import_module(name).__all__) for name in PUBLIC})


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_every_room_is_in_the_wheel_and_on_the_path_of_a_checkout() -> None:
    found = {
        f"{path.parent.name}/{path.name}"
        for name in ("axelera", "axemu")
        for path in ROOT.glob(f"*/{name}")
        if any(path.rglob("*.py"))  # an older checkout leaves directories of caches behind
    }
    assert set(WHEEL["only-include"]) == set(WHEEL["sources"]) == found
    assert set(WHEEL["dev-mode-dirs"]) == {room.partition("/")[0] for room in found}


def test_only_what_imitates_the_vendor_lies_in_its_namespace() -> None:
    assert sorted(path.name for path in ROOT.glob("*/axelera/*") if any(path.rglob("*.py"))) == [
        "compiler",
        "runtime",
        "runtime2",
    ]


@pytest.mark.parametrize("namespace", ["axelera", "axemu"])
def test_nobody_owns_a_namespace(namespace: str) -> None:
    assert [str(path) for path in ROOT.glob(f"*/{namespace}/__init__.py")] == []


PARSERS = re.compile(
    r"\b(json\.loads?|tomllib\.loads?|yaml\.\w*load\w*|onnx\.load\w*|pickle|ParseFromString)\b"
)
BOUNDED = {
    "axemu/driver/bounded.py",
    "axemu/driver/bounded_yaml.py",
    "axelera/compiler/_onnx_file.py",
    "axemu/model/torchscript/_pickle.py",  # a reader of its own, which calls nothing
    "axemu/driver/_holder.py",  # a record of a few KiB
    "axemu/chip/_calibration.py",  # imports nothing of ours; bounded by size
    "axelera/compiler/frontend/_torch.py",  # what was exported in memory just now
    "axelera/compiler/frontend/_rules.py",  # our own data, as the next two
    "axemu/studies/_measured.py",
    "axemu/zoo/_registry.py",
}


def test_nobody_parses_but_the_readers_with_bounds() -> None:
    found = {
        path.relative_to(room).as_posix()
        for room in ROOT.iterdir()
        for namespace in ("axelera", "axemu")
        for path in (room / namespace).rglob("*.py")
        if PARSERS.search(path.read_text(encoding="utf-8"))
    }
    assert found <= BOUNDED
