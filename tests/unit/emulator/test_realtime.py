"""The pace `realtime`: calls return when the simulated board would have answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context, ModelInstance
from axemu.driver import InternalError, InvalidArgument
from axemu.emulator import EmulatorDriver, parse_options, report

SHAPE = (1, 4, 4, 64)
SLOTS = 500_000
"""Array slots of the model: 5 ms a frame at 800 MHz."""
MakeModel = Callable[..., Path]


def load(path: Path, count: int, pace: str) -> tuple[EmulatorDriver, list[ModelInstance]]:
    driver = EmulatorDriver(parse_options({"pace": pace, "boards": [{"name": f"board-{pace}"}]}, "test"))
    context = Context(driver)
    model = context.load_model(path)
    return driver, [context.device_connect().load_model_instance(model) for _ in range(count)]


def run(instance: ModelInstance, count: int) -> None:
    for value in range(count):
        output = np.empty(SHAPE, np.int8)
        instance.run([np.full(SHAPE, value, np.int8)], [output])
        assert np.unique(output).tolist() == [value - 10]


def test_calls_never_return_before_the_board_would_have_answered(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(mvm_slots=SLOTS), 1, "realtime")
    start = time.monotonic()
    run(instance, 10)
    wall = time.monotonic() - start
    assert wall >= instance.counters().elapsed > 10 * SLOTS * 8 / 800e6
    driver.close()


def test_calls_take_the_time_that_virtual_time_predicts(make_model: MakeModel) -> None:
    path = make_model(mvm_slots=SLOTS)
    medians = []
    for pace in ("virtual", "realtime"):
        driver, instances = load(path, 4, pace)
        threads = [threading.Thread(target=run, args=(instance, 12)) for instance in instances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        medians.append([instance.counters().extra["latency_p50"] for instance in instances])
        driver.close()
    assert medians[1] == pytest.approx(medians[0], rel=0.02)


def test_a_thread_that_comes_back_late_arrives_when_it_comes(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(), 1, "realtime")
    run(instance, 1)
    time.sleep(0.05)
    run(instance, 1)
    assert instance.counters().elapsed >= 0.05
    driver.close()


def test_a_failed_call_is_not_counted_and_the_next_one_runs(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(), 1, "realtime")
    with pytest.raises(InvalidArgument):
        instance.run([np.zeros(3, np.int8)], [np.empty(SHAPE, np.int8)])
    run(instance, 2)
    assert instance.counters().frames == 2
    driver.close()


def test_a_clock_change_acts_from_the_next_frame_on(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(mvm_slots=SLOTS), 1, "realtime")
    run(instance, 1)
    fast = instance.counters().device_time
    driver.configure(driver.list_devices()[0], {"clock_profile": "400"})
    run(instance, 1)
    assert instance.counters().device_time == pytest.approx(1.5 * fast, rel=1e-6)
    driver.close()


def test_a_report_tells_the_pace_and_how_late_callers_were_woken(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(), 1, "realtime")
    run(instance, 3)
    document = report(driver.recording())
    assert document["pace"] == "realtime"
    assert 0 <= document["pace_remarks"]["late_mean_ms"] <= document["pace_remarks"]["late_max_ms"]
    driver.close()


def test_a_simulation_that_fails_is_told_to_every_caller(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, (instance,) = load(make_model(), 1, "realtime")
    run(instance, 1)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("axemu.emulator.metis.Machine.advance", broken)
    for _ in range(2):
        with pytest.raises(InternalError, match="ZeroDivisionError"):
            run(instance, 1)
    driver.close()


def test_a_wake_up_that_an_interrupt_cut_short_costs_no_later_call(make_model: MakeModel) -> None:
    driver, (instance,) = load(make_model(), 1, "realtime")
    run(instance, 1)
    changed = driver._pace._changed  # type: ignore[union-attr]
    with changed:
        (waiter,) = changed._waiters
        waiter.release()  # and not taken out of the queue, as after an interrupt in between
    while len(changed._waiters) < 2:  # until the pacing thread waits again
        time.sleep(0.001)
    thread = threading.Thread(target=run, args=(instance, 1), daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    driver.close()
