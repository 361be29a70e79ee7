"""Temperatures that emulated boards report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axelera.runtime import Context
from axemu.chip import BOARD_HEAT, COOLINGS
from axemu.emulator import EmulatorDriver, parse_options, report, text

MakeModel = Callable[..., Path]
IDLE = BOARD_HEAT["m2"].idle_power.value


def told(path: Path, frames: int, **options: object) -> tuple[float, dict[str, str], dict[str, Any]]:
    """Run frames on an M.2 module: the temperature of the counters, the properties, the report."""
    driver = EmulatorDriver(parse_options({"boards": ["m2"], **options}, "test"))
    with Context(driver) as context:
        model = context.load_model(path)
        instance = context.device_connect(None, 1).load_model_instance(model)
        buffers = [
            [np.zeros(one.shape, np.int8) for one in some] for some in (model.inputs(), model.outputs())
        ]
        for _ in range(frames):
            instance.run(*buffers)
        temperature = instance.counters().temperature
        return temperature, dict(context.read_device_configuration(0)), report(driver.recording())


def test_without_a_cooling_the_temperature_is_that_of_the_room(make_model: MakeModel) -> None:
    temperature, properties, document = told(make_model(), 20, ambient=40)
    assert temperature == 40
    assert properties["hw_throttling"] == "0"
    assert "heat" not in document["boards"][0]
    assert "heat" not in text(document)


def test_a_board_that_does_nothing_is_as_warm_as_its_idle_power_makes_it(make_model: MakeModel) -> None:
    temperature, _, _ = told(make_model(), 0, cooling="heatsink", ambient=30)
    assert temperature == pytest.approx(30 + IDLE * COOLINGS["heatsink"].resistance.value)


def test_work_warms_a_board_by_the_exponential(make_model: MakeModel) -> None:
    temperature, _, document = told(make_model(), 300, cooling=2, ambient=30)
    heat = document["boards"][0]["heat"]
    cold, end = 30 + 2 * IDLE, 30 + 2 * heat["power_w"]
    capacity = COOLINGS["fan"].capacity.value
    left = np.exp(-document["elapsed"] / (2 * capacity))
    assert heat["power_w"] > IDLE
    assert temperature == pytest.approx(cold * left + end * (1 - left), abs=0.01)
    assert heat["core_temps"] == [pytest.approx(temperature, abs=0.01)] * 5
    assert "heat (order of magnitude)" in text(document)


def test_limits_that_would_bite_are_properties_of_the_board(make_model: MakeModel) -> None:
    _, properties, document = told(make_model(), 20, cooling=18, ambient=70)
    limits = document["boards"][0]["heat"]["limits"]
    assert (properties["hw_throttling"], properties["freq_downscaling"]) == ("1", "1")
    assert (properties["sw_throttling"], limits["power_limit"]) == ("0", False)
    assert "a card would have throttled: hw_throttling, freq_downscaling" in text(document).replace(
        "\n  ", " "
    )


def test_heat_changes_no_time(make_model: MakeModel) -> None:
    path = make_model()
    cold, hot = (told(path, 50, **options)[2] for options in ({}, {"cooling": 18, "ambient": 70}))
    assert cold["instances"] == hot["instances"]
