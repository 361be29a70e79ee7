"""What several threads see, and what an interrupt leaves, is whole: all of a call, of a load, of a result, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.system._interrupts import Points

from axelera.runtime import Context
from axemu.driver import ModelFiles, TensorInfo
from axemu.emulator import EmulatorDriver, parse_options
from axemu.emulator._execution import Values
from axemu.emulator._log import CallLog
from axemu.emulator._virtual import VirtualPace

MakeModel = Callable[..., Path]
SHAPE = (1, 4, 4, 64)


@pytest.mark.parametrize("step", ["calls", "record"])
def test_counters_may_be_asked_for_while_other_threads_load_and_run(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    driver = EmulatorDriver(parse_options({}, "test"))
    frame, output = np.zeros(SHAPE, np.int8), np.zeros(SHAPE, np.int8)
    with Context(driver) as context:
        model = context.load_model(make_model())
        first = context.device_connect().load_model_instance(model)
        connection = context.device_connect()
        original = getattr(VirtualPace, step)

        def load_and_run() -> None:
            connection.load_model_instance(model).run([frame], [output])

        def meanwhile(*arguments: Any) -> Any:
            for _ in range(2):
                thread = threading.Thread(target=load_and_run)
                thread.start()
                thread.join()
            return original(*arguments)

        monkeypatch.setattr(VirtualPace, step, meanwhile)
        for count in range(3):
            assert first.counters().frames == count
            first.run([frame], [output])
    driver.close()


class Echo:
    """Gives the first value of its input back."""

    def run(self, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        outputs[0][:] = inputs[0][0]


@settings(max_examples=sample(60, 2000))
@given(st.integers(0, 200), st.booleans())
def test_an_interrupted_frame_is_taken_in_or_not(point: int, double_buffer: bool) -> None:
    info = TensorInfo((1, 2, 2, 4), name="x")
    files = ModelFiles(Path(), "echo", (info,), (info,), 1)
    values = Values(files, Echo(), double_buffer, "zero")  # type: ignore[arg-type]

    def call(number: int) -> int:
        output = np.full(info.size, -1, np.int8)
        values.frame([np.full(info.size, number, np.int8)], [output])
        assert len(set(output.tolist())) == 1
        return int(output[0])

    before = [call(number) for number in (1, 2, 3)]
    error = Points(point).run(lambda: call(4))
    after = [call(number) for number in (5, 6, 7)]
    assert before == ([0, 0, 1] if double_buffer else [1, 2, 3])
    taken = [3, 4, 5] if double_buffer else [5, 6, 7]
    missing = [2, 3, 5] if double_buffer else [5, 6, 7]
    assert after in ([taken, missing] if error is not None else [taken])


@settings(max_examples=sample(60, 2000))
@given(st.integers(0, 100))
def test_an_interrupted_call_is_in_the_log_whole_or_not_at_all(point: int) -> None:
    log = CallLog()
    log.record(1, 0, (1, 2, 3, 4))
    error = Points(point).run(lambda: log.record(2, 0, (5, 6, 7, 8)))
    log.record(3, 0, (9, 9, 9, 9))
    (thread,) = log.snapshot()
    calls = [call >> 32 for call in thread.calls]
    assert calls in ([[1, 3], [1, 2, 3]] if error is not None else [[1, 2, 3]])
    assert list(thread.times) == [1, 2, 3, 4, *([5, 6, 7, 8] if 2 in calls else []), 9, 9, 9, 9]


def test_a_signal_handler_may_run_another_instance(make_model: MakeModel) -> None:
    with Context(EmulatorDriver(parse_options({}, "test"))) as context:
        model = context.load_model(make_model())
        one, other = (context.device_connect().load_model_instance(model) for _ in range(2))
        frame = np.zeros(SHAPE, np.int8)

        def run(instance: object) -> None:
            one_or_other = one if instance is one else other
            one_or_other.run([frame], [np.zeros(SHAPE, np.int8)])

        run(one)
        run(other)
        points = Points()
        points.run(lambda: run(one))
        for point in range(0, points.count, sample(7, 1)):
            handled = Points(point, lambda: run(other))
            assert handled.run(lambda: run(one)) is None
        assert one.counters().frames > 1


def test_an_interrupt_of_the_very_first_frame_leaves_a_board_that_answers(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, frame = make_model(), np.zeros(SHAPE, np.int8)

    def first_frame(chosen: int) -> Points:
        """Interrupt the arrival of the first frame at a point; a second frame has to be answered."""
        driver = EmulatorDriver(parse_options({"pace": "realtime"}, "test"))
        with Context(driver) as context:
            instance = context.device_connect().load_model_instance(context.load_model(path))
            points, pace = Points(chosen), driver._pace
            arrive = pace.arrive

            def interrupted(*call: Any) -> Callable[[], None]:
                points.run(lambda: arrive(*call))
                return arrive(*call)

            monkeypatch.setattr(pace, "arrive", interrupted)
            later = threading.Thread(
                target=instance.run, args=([frame], [np.zeros(SHAPE, np.int8)]), daemon=True
            )
            later.start()
            later.join(20)
            assert not later.is_alive(), points.where
        driver.close()
        return points

    for point in range(first_frame(-1).count):
        first_frame(point)
