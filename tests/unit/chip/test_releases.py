"""Releases of the SDK and their calibrations, which are never mixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axemu.chip import (
    BOARDS,
    DEFAULT_RELEASE,
    HOSTS,
    RELEASES,
    calibration_from_json,
    calibration_to_json,
    load_calibration,
)


def test_every_release_has_a_calibration_of_its_own() -> None:
    calibrations = {sdk: load_calibration(sdk=sdk) for sdk in RELEASES}
    assert {sdk: one.sdk for sdk, one in calibrations.items()} == {sdk: sdk for sdk in RELEASES}
    assert len({one.identity for one in calibrations.values()}) == len(RELEASES)
    assert load_calibration() == calibrations[DEFAULT_RELEASE]


def test_boards_are_in_the_host_of_the_release() -> None:
    old, new = (load_calibration(sdk=sdk) for sdk in ("1.6", "1.8"))
    assert old.host_of(BOARDS["pcie"]) == HOSTS["desktop"]
    assert old.host_of(BOARDS["m2"]) == new.host_of(BOARDS["m2"]) == HOSTS["laptop"]
    host = new.host_of(BOARDS["pcie"])
    assert host.name == "desktop-2024"
    assert (host.launch, host.copy) == (
        new.hosts["desktop-2024"]["launch"],
        new.hosts["desktop-2024"]["copy"],
    )
    assert host.gap == HOSTS["desktop-2024"].gap
    assert new.host_of(BOARDS["pcie"], "embedded-arm") == HOSTS["embedded-arm"]


def test_the_figures_of_the_chip_are_the_same_in_both() -> None:
    old, new = (load_calibration(sdk=sdk) for sdk in ("1.6", "1.8"))
    assert new.figures == old.figures
    assert new.details["base"] == old.identity


def test_a_calibration_of_another_release_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text(calibration_to_json(load_calibration(sdk="1.8")))
    assert load_calibration(path).sdk == "1.8"
    with pytest.raises(ValueError, match=r"fitted to SDK 1\.8, asked for SDK 1\.6"):
        load_calibration(path, "1.6")
    with pytest.raises(ValueError, match=r"known are 1\.6, 1\.8"):
        load_calibration(sdk="2.0")


def test_a_calibration_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    for sdk in ("1.8", "1.6"):
        path.write_text(calibration_to_json(load_calibration(sdk=sdk)))
        assert load_calibration(path) == load_calibration(sdk=sdk)


@pytest.mark.parametrize(
    "damage",
    [
        {"sdk": "7"},
        {"hosts": {"toaster": {}}},
        {"hosts": {"desktop": {"gap": "figure"}}},
        {"hosts": {"desktop": {"launch": {"value": 1}}}},
        {"hosts": {"desktop": 3}},
        {"hosts": 3},
    ],
)
def test_damaged_hosts_are_refused_by_name(damage: dict[str, object]) -> None:
    data = json.loads(calibration_to_json(load_calibration(sdk="1.8")))
    with pytest.raises(ValueError, match=r"mine\.json"):
        calibration_from_json(json.dumps({**data, **damage}), "mine.json")


def test_a_calibration_written_before_there_were_releases_is_of_the_first() -> None:
    data = json.loads(calibration_to_json(load_calibration()))
    del data["sdk"], data["hosts"]
    assert calibration_from_json(json.dumps(data), "old") == load_calibration()
