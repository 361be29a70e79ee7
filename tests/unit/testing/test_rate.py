"""A rate compares with all of its band."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.driver import FunctionDriver
from axemu.testing import Rate, rate, write_small_model


@pytest.fixture(autouse=True)
def _own_boards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))


def test_a_comparison_holds_if_it_does_in_all_of_the_band() -> None:
    simulated = Rate(200, 180, 220, "model x")
    assert simulated >= 180
    assert simulated <= 220
    assert simulated > 179
    assert simulated < 221
    for holds in (simulated >= 181, simulated <= 219, simulated > 180, simulated < 220):
        assert not holds
    assert str(simulated) == "200.0 FPS (180.0 to 220.0 on 80 % of networks; simulated: model x)"


def test_a_measured_rate_has_no_band() -> None:
    measured = Rate(200, 200, 200)
    assert measured >= 200
    assert measured <= 200
    assert str(measured) == "200.0 FPS"


@pytest.mark.parametrize("batch", [1, 2])
def test_the_rate_of_an_instance_counts_frames_in_virtual_time(tmp_path: Path, batch: int) -> None:
    small = write_small_model(tmp_path, batch=batch)
    with axr.Context("emulator") as context:
        instance = context.device_connect(None, batch).load_model_instance(context.load_model(small.path))
        assert rate(instance) is None
        for seed in range(5):
            instance.run(small.frame(seed), small.outputs())
        found, counters = rate(instance), instance.counters()
    assert found is not None
    assert found.fps == pytest.approx(5 * batch / counters.elapsed)
    assert found.low < found.fps < found.high
    assert found.simulated == counters.simulated


def test_where_there_is_no_time_there_is_no_rate(tmp_path: Path) -> None:
    small = write_small_model(tmp_path, "function")
    with axr.Context(FunctionDriver()) as context:
        instance = context.device_connect().load_model_instance(context.load_model(small.path))
        outputs = small.outputs()
        instance.run(small.frame(1), outputs)
        assert rate(instance) is None
    assert np.array_equal(outputs, small.expected(small.frame(1)))
