"""Board properties are checked before any is applied, and a refusal says what would have been right."""

import pytest

from axemu.driver import InvalidConfiguration, NotImplemented, check_configuration  # noqa: A004

CLOCKS = (100, 200, 400, 600, 700, 800)


def _check(**properties: str) -> dict[str, int]:
    return check_configuration(properties, "metis-0:1:0", 4, CLOCKS)


def test_all_documented_properties_are_understood() -> None:
    asked = {
        "clock_profile": "600",
        "clock_profile_core_3": "0x64",
        "mvm_utilisation_core_0": "88",
        "device_firmware": "1",
    }
    assert _check(**asked) == {
        "clock_profile": 600, "clock_profile_core_3": 100, "mvm_utilisation_core_0": 88, "device_firmware": 1,
    }  # fmt: skip


def test_a_wrong_clock_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(
        InvalidConfiguration, match=r"clock_profile=1000: valid clocks are 100, 200, 400, 600, 700, 800 MHz"
    ):
        _check(clock_profile="1000")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("clock_profile_core_1", "300", "valid clocks"),
        ("clock_profile", "fast", "not a number"),
        ("clock_profile_core_4", "800", "cores 0 to 3"),
        ("mvm_utilisation_core_0", "0", "percentage from 1 to 100"),
        ("mvm_utilisation_core_0", "101", "percentage from 1 to 100"),
        ("device_firmware", "2", "1 to load the firmware"),
        ("clock", "800", "unknown property clock; known are clock_profile"),
        ("clock_profile_core_", "800", "unknown property"),
    ],
)
def test_a_refusal_names_device_property_and_expectation(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidConfiguration, match=message) as caught:
        _check(**{name: value})
    assert "metis-0:1:0" in str(caught.value)
    assert name in str(caught.value)


def test_a_known_property_that_cannot_be_changed_is_told_apart_from_an_unknown_one() -> None:
    with pytest.raises(NotImplemented, match="ddr_size"):
        _check(ddr_size="0x40000000")


def test_one_bad_property_spoils_the_call() -> None:
    with pytest.raises(InvalidConfiguration):
        _check(clock_profile="800", mvm_utilisation_core_0="200")


@pytest.mark.parametrize("name", ["clock_profile_core_" + "9" * 5000, "x" * 100_000])
def test_a_name_of_any_length_is_refused_in_a_line(name: str) -> None:
    with pytest.raises(InvalidConfiguration, match="unknown property") as caught:
        _check(**{name: "1"})
    assert len(str(caught.value)) < 500
