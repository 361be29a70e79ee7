"""What may happen to a scheduler at a bad moment: nobody waits for ever, and every core stays of use."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import axelera.runtime as axr
from axelera.runtime import op, scheduler
from axelera.runtime.scheduler._cores import Core
from axemu.driver import FunctionDriver, Handle
from axemu.testing import write_small_model

LONG = 30.0


def in_time(work: Callable[[], None]) -> None:
    """Run something in a thread that may hang."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "it hangs"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"devices": 0}, "devices is a int; give indices and names in a text"),
        ({"num_workers": None}, "num_workers"),
        ({"max_in_flight": 1.5}, "max_in_flight"),
        ({"max_in_flight": 0}, "max_in_flight is 0; give 1 or more"),
    ],
)
def test_arguments_of_other_types_are_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    def use(devices: Any = None, num_workers: Any = 4, max_in_flight: Any = None) -> None:
        scheduler.Scheduler(devices, num_workers).stream([1], op.seq(abs), max_in_flight=max_in_flight)

    with pytest.raises(axr.InvalidArgument, match=words):
        use(**arguments)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What operators wait for."""
    event = threading.Event()
    yield event
    event.set()


def test_a_stream_whose_scheduler_was_closed_says_so_and_ends(held: threading.Event) -> None:
    def wait(number: int) -> int:
        assert not number or held.wait(LONG)
        return number

    errors: list[Exception] = []

    def read() -> None:
        try:
            list(frames)
        except axr.InvalidArgument as error:
            errors.append(error)

    own = scheduler.Scheduler(num_workers=1)
    frames = own.stream(range(100), op.seq(wait), max_in_flight=8)
    assert next(frames) == (0, 0)  # one of the others is at work, the rest waits for the worker
    closing = threading.Thread(target=own.close)
    closing.start()
    while not own.is_closed:
        time.sleep(0.001)
    held.set()
    closing.join(LONG)
    in_time(read)
    assert "this Scheduler was closed" in str(errors[0])


def test_a_stream_that_was_left_ends_after_its_scheduler(held: threading.Event) -> None:
    with scheduler.create(num_workers=1) as own:
        frames = own.stream(range(100), op.seq(lambda number: number and not held.wait(0.2)), max_in_flight=8)
        next(frames)
    in_time(frames.close)  # type: ignore[attr-defined]


def test_a_stream_may_be_collected_in_one_of_its_own_workers(held: threading.Event) -> None:
    own = scheduler.Scheduler(num_workers=2)
    kept = []
    ended = threading.Event()

    def drop_the_stream(number: int) -> int:
        if number == 1:
            assert held.wait(LONG)
            kept.clear()
            ended.set()
        return number

    kept.append(own.stream(range(100), op.seq(drop_the_stream), max_in_flight=2))
    next(kept[0])
    held.set()
    assert ended.wait(LONG), "it hangs"
    in_time(own.close)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_waits_for_no_thread_of_its_parent(held: threading.Event) -> None:
    own = scheduler.Scheduler()
    locked = threading.Event()

    def hold() -> None:
        with own._lock:
            locked.set()
            held.wait(LONG)

    threading.Thread(target=hold).start()
    locked.wait()
    child = os.fork()
    if not child:
        status = 1
        try:
            own.batch(op.seq(abs), [[1, 2]])
        except axr.ConnectionError:
            own.close()
            status = 0
        finally:
            os._exit(status)
    statuses: list[int] = []
    in_time(lambda: statuses.append(os.waitpid(child, 0)[1]))
    assert statuses == [0]


def test_a_core_is_empty_after_a_model_that_could_not_be_taken_off(tmp_path: Path) -> None:
    class FailsOnce(FunctionDriver):
        failed = False

        def release(self, handle: Handle) -> None:
            super().release(handle)
            if type(handle).__name__ == "_Instance" and not self.failed:
                self.failed = True
                raise axr.ConnectionError("stuck")

    with axr.Context(FailsOnce(lambda *_: small.outputs())) as context:
        models = []
        for name in "ab":
            (tmp_path / name).mkdir()
            small = write_small_model(tmp_path / name)
            models.append((context.load_model(small.path), small))
        (one, small), (other, _) = models
        core = Core(context.device_connect())
        inputs = small.frame(0)
        assert core.run(one, inputs, small.outputs())
        with pytest.raises(axr.ConnectionError, match="stuck"):
            core.run(other, inputs, small.outputs())
        assert core.model is None
        assert core.run(one, inputs, small.outputs())
