"""`configure_device` on an emulated board."""

from __future__ import annotations

import pytest

from axemu.driver import (
    ConnectionError,  # noqa: A004
    Driver,
    InvalidConfiguration,
    NotImplemented,  # noqa: A004
    Pending,
)
from axemu.emulator import EmulatorDriver, parse_options

KEYS = {
    "clock_profile",
    *(f"clock_profile_core_{core}" for core in range(4)),
    "min_clock_frequencies",
    "max_clock_frequencies",
    "valid_clock_frequencies",
    "freq_downscaling",
    "sw_throttling",
    "hw_throttling",
    *(f"mvm_utilisation_core_{core}" for core in range(4)),
}


def driver_with(**options: object) -> Driver:
    return EmulatorDriver(parse_options(options, "test"))


def read(driver: Driver) -> dict[str, str]:
    return dict(driver.read_configuration(driver.list_devices()[0]))


def test_all_known_keys_read_as_text() -> None:
    settings = read(driver_with())
    assert set(settings) >= KEYS
    assert all(isinstance(value, str) for value in settings.values())
    assert settings["clock_profile_core_3"] == "800"
    assert settings["valid_clock_frequencies"] == "100,200,400,600,700,800"


def test_clock_of_the_board_sets_all_cores_and_that_of_a_core_wins() -> None:
    driver = driver_with()
    assert driver.configure(driver.list_devices()[0], {"clock_profile_core_1": "400", "clock_profile": "600"})
    settings = read(driver)
    assert [settings[f"clock_profile_core_{core}"] for core in range(4)] == ["600", "400", "600", "600"]


def test_mvm_limits_are_per_core() -> None:
    driver = driver_with()
    assert driver.configure(driver.list_devices()[0], {"mvm_utilisation_core_0": "88"})
    settings = read(driver)
    assert [settings[f"mvm_utilisation_core_{core}"] for core in range(4)] == ["88", "100", "100", "100"]


def test_1000_mhz_is_refused_with_the_valid_clocks() -> None:
    driver = driver_with()
    with pytest.raises(InvalidConfiguration, match="100, 200, 400, 600, 700, 800"):
        driver.configure(driver.list_devices()[0], {"clock_profile": "1000"})


def test_nothing_is_applied_when_one_property_is_bad() -> None:
    driver = driver_with()
    with pytest.raises(InvalidConfiguration):
        driver.configure(driver.list_devices()[0], {"clock_profile": "400", "mvm_utilisation_core_0": "101"})
    assert read(driver)["clock_profile"] == "800"


def test_known_but_unsupported_property_is_not_implemented() -> None:
    driver = driver_with()
    with pytest.raises(NotImplemented, match="ddr_size"):
        driver.configure(driver.list_devices()[0], {"ddr_size": "0x40000000"})


def test_asynchronous_configuration_takes_effect_after_its_polls() -> None:
    driver = driver_with(configure_polls=3)
    device = driver.list_devices()[0]
    assert driver.configure(device, {"clock_profile": "400"}) is False
    assert read(driver)["clock_profile"] == "800"
    assert [driver.ready(device) for _ in range(4)] == [False, False, True, True]
    assert read(driver)["clock_profile"] == "400"


def test_a_pending_board_takes_no_connection_and_no_configuration() -> None:
    driver = driver_with(configure_polls=1)
    device = driver.list_devices()[0]
    driver.configure(device, {"clock_profile": "400"})
    with pytest.raises(Pending, match="device_ready"):
        driver.connect(device, 1, {})
    with pytest.raises(Pending, match="device_ready"):
        driver.configure(device, {"clock_profile": "200"})
    assert driver.ready(device)
    driver.release(driver.connect(device, 1, {}))


def test_initial_settings_come_from_the_options() -> None:
    board = {"type": "m2", "configuration": {"clock_profile": 400, "mvm_utilisation_core_2": "50"}}
    settings = read(driver_with(boards=[board]))
    assert (settings["clock_profile"], settings["mvm_utilisation_core_2"]) == ("400", "50")


def test_bad_initial_settings_are_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="clock_profile=1000"):
        driver_with(boards=[{"configuration": {"clock_profile": 1000}}])


def test_a_closed_driver_refuses_work() -> None:
    driver = driver_with()
    device = driver.list_devices()[0]
    driver.close()
    driver.close()
    with pytest.raises(ConnectionError, match="released"):
        driver.connect(device, 1, {})
