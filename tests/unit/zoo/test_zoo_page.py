"""The reference page of the zoo says what the catalogue and the compiler say now."""

from __future__ import annotations

from pathlib import Path

import pytest

from axemu import zoo
from axemu.cli._zoo_table import page, row

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "zoo.md"
QUICK = ("resnet50", "squeezenet1_0", "yolov5n")
MEASURED = 8  # the column with compile times, which depend on the machine


def cells(line: str) -> list[str]:
    found = [cell.strip() for cell in line.strip("|").split("|")]
    del found[MEASURED]
    return found


def rows() -> dict[str, list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return {line.split("`")[1]: cells(line) for line in lines if line.startswith("| `")}


def test_has_a_row_per_network() -> None:
    assert sorted(rows()) == sorted(network.name for network in zoo.networks())


@pytest.mark.parametrize("name", QUICK)
def test_rows_are_current(name: str) -> None:
    assert rows()[name] == cells(row(zoo.find(name)))


@pytest.mark.full
def test_all_rows_are_current() -> None:
    assert rows() == {network.name: cells(row(network)) for network in zoo.networks()}


def test_the_text_is_current() -> None:
    wanted = [line for line in page([]) if line]
    assert [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line][: len(wanted)] == wanted
