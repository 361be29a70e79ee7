"""Time: what a driver that knows it says about frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import axelera.runtime as axr
from axemu.testing import Rate, SmallModel

if TYPE_CHECKING:
    from axemu.testing._clock import Clock

pytestmark = pytest.mark.metis_time
Load = Callable[..., axr.ModelInstance]


def _run(instance: axr.ModelInstance, model: SmallModel, frames: int) -> None:
    for seed in range(frames):
        instance.run(model.frame(seed), model.outputs())


def test_frames_are_counted(metis_instance: Load, metis_model: SmallModel) -> None:
    instance = metis_instance()
    _run(instance, metis_model, 7)
    assert instance.counters().frames == 7


def test_a_rate_has_a_band_around_it(
    metis_instance: Load, metis_model: SmallModel, metis_fps: Callable[[axr.ModelInstance], Rate]
) -> None:
    instance = metis_instance()
    _run(instance, metis_model, 20)
    rate = metis_fps(instance)
    assert 0 < rate.low <= rate.fps <= rate.high
    assert rate >= rate.low
    assert rate <= rate.high
    assert not rate > rate.high
    assert bool(rate.simulated) == (rate.low < rate.high)


def test_frames_of_a_camera_keep_its_rate(
    metis_instance: Load, metis_model: SmallModel, metis_clock: Clock
) -> None:
    instance = metis_instance()
    for index in range(6):
        metis_clock.wait_until(index * 0.02)
        instance.run(metis_model.frame(index), metis_model.outputs())
    assert 0.1 <= metis_clock.elapsed(instance) < 0.15
