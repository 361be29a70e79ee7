"""Measuring a model as a Python user does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from axemu.driver import Clock, IncompatibleDevice, create_driver
from axemu.emulator import EmulatorDriver, parse_options
from axemu.studies import MeasureOptions, measure

MakeModel = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("own_boards")


def test_the_latency_of_every_frame_that_counts_is_handed_over(make_model: MakeModel) -> None:
    measured = measure(make_model(), MeasureOptions(seconds=0.01, cores=1, double_buffer=False))
    assert len(measured.latencies) == measured.frames
    assert 0 < min(measured.latencies) < measured.latency < max(measured.latencies)


def test_frames_come_at_the_pace_asked_for_in_the_boards_own_time(make_model: MakeModel) -> None:
    options = MeasureOptions(seconds=0.5, throttle_fps=1000, double_buffer=False)
    assert measure(make_model(), options).system_fps == pytest.approx(1000, rel=0.02)


def test_any_driver_can_be_measured(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXELERA_DRIVER", "function")
    measured = measure(str(make_model()), MeasureOptions(throttle_fps=1e6, cores=2))
    assert (measured.device_fps, measured.system_fps, measured.latencies) == (0, 0, ())
    assert measured.frames == 2 * 8
    assert measured.simulated == "function driver: no time is modelled"


def test_too_few_cores_are_refused(make_model: MakeModel) -> None:
    with pytest.raises(IncompatibleDevice, match=r"runs 2 frames at once .*; cores=1 is too few"):
        measure(make_model(batch=2), MeasureOptions(cores=1))


@pytest.mark.parametrize(("pace", "of_the_host"), [("virtual", False), ("realtime", True)])
def test_the_clock_of_an_emulated_board_is_the_hosts_in_real_time_only(pace: str, of_the_host: bool) -> None:
    driver = EmulatorDriver(parse_options({"pace": pace}, "test"))
    assert (type(driver.clock) is Clock) == of_the_host
    driver.close()


def test_a_driver_has_the_hosts_clock_unless_it_says_otherwise() -> None:
    driver = create_driver("function")
    assert type(driver.clock) is Clock
    assert driver.clock is driver.clock
    assert list(driver.about) == []
