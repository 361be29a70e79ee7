"""Every figure says what it is, where it comes from and how sure it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from axemu.chip import (
    BOARD_HEAT,
    BOARDS,
    CLOCKS_MHZ,
    COMPILER_CLOCKS_MHZ,
    COOLINGS,
    CORES,
    HOSTS,
    METIS,
    PARAMETERS,
    POWER,
    PROGRAMS,
    THERMAL,
    TICKS_PER_SECOND,
    Figure,
    Provenance,
    calibration_from_json,
    calibration_to_json,
    figure,
    figures_of,
    load_calibration,
    weakest,
)
from axemu.model._limits import MAX_BATCH


def test_a_batch_may_take_every_core_of_the_chip() -> None:
    assert MAX_BATCH == CORES == METIS.cores.value


def all_figures() -> list[tuple[str, Figure]]:
    groups: dict[str, Any] = {"metis": METIS, "programs": PROGRAMS, "power": POWER, "thermal": THERMAL}
    groups |= {**BOARDS, **HOSTS, **COOLINGS}
    groups |= {f"{name}.heat": holder for name, holder in BOARD_HEAT.items()}
    named = [
        (f"{group}.{field.name}", getattr(holder, field.name))
        for group, holder in groups.items()
        for field in dataclasses.fields(holder)
    ]
    named += [(f"calibration.{name}", value) for name, value in load_calibration().figures.items()]
    return [(name, value) for name, value in named if isinstance(value, Figure)]


@pytest.mark.parametrize(("name", "value"), all_figures(), ids=[name for name, _ in all_figures()])
def test_a_figure_has_unit_source_provenance_and_range(name: str, value: Figure) -> None:
    assert value.unit, name
    assert value.source, name
    assert isinstance(value.provenance, Provenance)
    assert value.low <= value.value <= value.high


def test_a_value_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="outside its range"):
        figure(3, "m", "nobody", Provenance.ASSUMED, (1, 2))


def test_the_weakest_provenance_wins() -> None:
    strong = figure(1, "m", "paper", Provenance.PUBLISHED)
    weak = figure(1, "m", "guess", Provenance.ASSUMED)
    middle = figure(1, "m", "bench", Provenance.MEASURED)
    assert weakest([strong, middle]) is Provenance.MEASURED
    assert weakest([weak, strong, middle]) is Provenance.ASSUMED


def test_one_cycle_is_a_whole_number_of_ticks_at_every_valid_clock() -> None:
    for clock in {*CLOCKS_MHZ, *COMPILER_CLOCKS_MHZ}:
        assert TICKS_PER_SECOND % (clock * 1_000_000) == 0


def test_boards_have_the_memory_they_are_sold_with() -> None:
    assert int(BOARDS["pcie"].memory) == 4 << 30
    assert int(BOARDS["pcie-16g"].memory) == 16 << 30
    assert int(BOARDS["m2"].memory) == 1 << 30
    assert BOARDS["pcie-x4"].chips == 4


def test_every_board_has_figures_of_heat_and_a_cooling_that_exists() -> None:
    assert set(BOARD_HEAT) == set(BOARDS)
    assert {one.cooling for one in BOARD_HEAT.values()} <= set(COOLINGS)


def test_a_calibration_survives_being_written() -> None:
    shipped = load_calibration()
    assert calibration_from_json(calibration_to_json(shipped), "copy") == shipped


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data["figures"].pop(PARAMETERS[0]),
        lambda data: data["figures"].update(unknown=data["figures"][PARAMETERS[0]]),
        lambda data: data["figures"][PARAMETERS[0]].update(value="fast"),
        lambda data: data["figures"][PARAMETERS[0]].update(value=-1.0, low=-2.0),
        lambda data: data["figures"][PARAMETERS[0]].update(provenance="hearsay"),
        lambda data: data.pop("residuals"),
        lambda data: data.pop("id"),
    ],
)
def test_a_damaged_calibration_is_refused_by_name(damage: object) -> None:
    data = json.loads(calibration_to_json(load_calibration()))
    damage(data)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"mine\.json"):
        calibration_from_json(json.dumps(data), "mine.json")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "7"])
def test_what_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="calibration x"):
        calibration_from_json(text, "x")


def test_a_missing_or_huge_calibration_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        load_calibration(tmp_path / "nothing.json")
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ValueError, match="larger than"):
        load_calibration(huge)


def test_the_figures_of_a_holder_are_found_by_name() -> None:
    found = figures_of(HOSTS["desktop"])
    assert found["launch"] is HOSTS["desktop"].launch
    assert set(found) == {"launch", "launch_spread", "gap", "copy_setup", "copy"}
