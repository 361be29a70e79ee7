"""Threads of a run that lose their core: stopped in the middle of a chunk, where a callback stands in for the kernel."""

from __future__ import annotations

import ctypes
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests._sizes import sample

from axemu.emulator.compute import ThreadBudget, _assembler, load
from axemu.emulator.compute.executor.arguments import StageRow
from axemu.model.ops import execute
from axemu.model.program import Program

Frame = np.ndarray[tuple[int, ...], np.dtype[np.int8]]
KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
LIMIT = 60.0

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="only Linux lets a thread be moved to another core"
)


@pytest.fixture(autouse=True)
def _split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split small programs, too."""
    monkeypatch.setattr(_assembler, "SMALL_WORK", 0)


class Watched:
    """A runner that tells of each chunk, before and after its kernel runs, in the thread that has taken it."""

    def __init__(self, program: Program, threads: int, *, aside: bool = False) -> None:
        self.program = program
        executable: Any = load(program, threads=threads, budget=ThreadBudget(threads), aside=aside)
        self.runner: Any = executable.instance()
        self.chunks: list[int] = []
        self.tell: Callable[[str, int], None] = lambda _moment, _stage: None
        self._kept: list[Any] = []
        size = len(StageRow.names)
        for stage in range(executable.linked.stage_count):
            row = self.runner._words[stage * size : (stage + 1) * size]
            self.chunks.append(int(row[StageRow.index("chunks")]))
            row[StageRow.index("function")] = self._callback(stage, int(row[StageRow.index("function")]))

    def _callback(self, stage: int, address: int) -> int:
        kernel = KERNEL(address)

        def call(arguments: int, chunk: int, chunks: int) -> None:
            self.tell("before", stage)
            kernel(arguments, chunk, chunks)
            self.tell("after", stage)

        callback = KERNEL(call)
        self._kept.append(callback)
        return ctypes.cast(callback, ctypes.c_void_p).value or 0

    def run(self, frame: Frame) -> Frame:
        """Return the output of a frame."""
        output = np.full(self.program.tensors["y"].shape, 99, np.int8)
        self.runner.run([frame], [output])
        return output


class Stop:
    """Stops the helper, or the caller, the first time it is at one place."""

    def __init__(self, watched: Watched, who: str, moment: str, stage: int) -> None:
        self.place, self.who = (moment, stage), who
        self.reached, self.end = threading.Event(), threading.Event()
        self.stopped = self.running = 0
        self.taken = 0
        """Chunks of the stage that the other took."""
        self._caller = 0
        self._watched = watched
        watched.tell = self._tell

    def _tell(self, moment: str, stage: int) -> None:
        own = threading.get_native_id()
        if stage != self.place[1]:
            return
        if (own == self._caller) == (self.who == "caller"):
            if (moment, stage) == self.place and not self.reached.is_set():
                self.stopped = own
                self.reached.set()
                assert self.end.wait(LIMIT)
        else:
            self.running = own
            assert self.reached.wait(LIMIT)  # so that it takes one
            self.taken += moment == "after"

    def run(self, frame: Frame, meanwhile: Callable[[], None]) -> Frame:
        """Return the output of a frame; calls `meanwhile` while a thread is stopped, and lets it go on after that."""
        found: list[Frame] = []

        def work() -> None:
            self._caller = threading.get_native_id()
            found.append(self._watched.run(frame))

        caller = threading.Thread(target=work)
        caller.start()
        try:
            assert self.reached.wait(LIMIT), "nobody came to the place"
            meanwhile()
            assert not found
        finally:
            self.end.set()
            caller.join(LIMIT)
        assert found, "the run never ends"
        return found[0]


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return when something has become true."""
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def split_stages(program: Program) -> list[int]:
    """Return the stages of which both threads can have a chunk."""
    return [stage for stage, chunks in enumerate(Watched(program, 2).chunks) if chunks > 1]


@pytest.fixture
def wanted(block: Program, frame: Frame) -> Frame:
    """Return what the specification says."""
    return execute(block, {"x": frame}, "metis")["y"]


@pytest.mark.parametrize("who", ["helper", "caller"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_is_stopped_in_a_chunk_gets_the_core_of_the_other_that_has_done_the_rest(
    block: Program, frame: Frame, wanted: Frame, who: str, moment: str
) -> None:
    all_cores = os.sched_getaffinity(0)
    stages = split_stages(block)
    assert len(stages) > 3
    for stage in stages:
        watched = Watched(block, 2)
        stop = Stop(watched, who, moment, stage)

        def meanwhile(watched: Watched = watched, stop: Stop = stop, stage: int = stage) -> None:
            wait_until(lambda: stop.taken == watched.chunks[stage] - 1, "the other leaves chunks behind")
            wait_until(
                lambda: len(os.sched_getaffinity(stop.stopped)) == 1, "the stopped thread was not moved"
            )

        np.testing.assert_array_equal(stop.run(frame, meanwhile), wanted)
        assert os.sched_getaffinity(0) == all_cores
        if who == "helper":
            wait_until(
                lambda stop=stop: os.sched_getaffinity(stop.stopped) == all_cores,  # type: ignore[misc]
                "the helper may not use all cores again",
            )
        watched.tell = lambda _moment, _stage: None
        np.testing.assert_array_equal(watched.run(frame), wanted)


def test_a_helper_that_does_not_come_holds_nothing_up(
    block: Program, frame: Frame, wanted: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, end = Watched(block, 3), threading.Event()
    library = watched.runner._executable.library
    monkeypatch.setattr(library, "serve", lambda _mailbox, _first, _second: end.wait(LIMIT))
    try:
        np.testing.assert_array_equal(watched.run(frame), wanted)
    finally:
        end.set()


@pytest.fixture
def allowed() -> Iterator[set[int]]:
    """Return the cores of this process; what a test changes is undone."""
    cores = os.sched_getaffinity(0)
    yield cores
    os.sched_setaffinity(0, cores)


def test_nobody_is_moved_to_a_core_it_may_not_use(
    block: Program, frame: Frame, wanted: Frame, allowed: set[int]
) -> None:
    if len(allowed) == 1:
        pytest.skip("this process has one core")
    watched = Watched(block, 2)
    first, second = sorted(allowed)[:2]
    stop = Stop(watched, "helper", "before", split_stages(block)[0])

    def meanwhile() -> None:
        wait_until(lambda: stop.running != 0, "the caller never came")
        time.sleep(0.05)
        assert os.sched_getaffinity(stop.stopped) == {first}

    np.testing.assert_array_equal(stop.run(frame, lambda: None), wanted)
    wait_until(lambda: os.sched_getaffinity(stop.stopped) == allowed, "the helper may not use all cores")
    os.sched_setaffinity(stop.stopped, {first})
    stop = Stop(watched, "helper", "before", split_stages(block)[0])
    os.sched_setaffinity(0, {second})  # the caller of the next run begins with that
    np.testing.assert_array_equal(stop.run(frame, meanwhile), wanted)


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_that_are_late_anywhere_change_no_bit(
    block: Program, frame: Frame, wanted: Frame, threads: int, aside: bool
) -> None:
    all_cores, seen, lock = os.sched_getaffinity(0), {"stops": 0, "moves": 0}, threading.Lock()
    rng = random.Random(threads)

    def delay(_moment: str, _stage: int) -> None:
        with lock:
            kind, seconds = rng.random(), rng.expovariate(1000.0)
        if kind < 0.05:
            time.sleep(seconds)  # off the core
            with lock:
                seen["stops"] += 1
                seen["moves"] += os.sched_getaffinity(0) != all_cores
        elif kind < 0.2:
            end = time.perf_counter() + seconds / 10
            while time.perf_counter() < end:
                pass

    watched = Watched(block, threads, aside=aside)
    watched.tell = delay
    for _ in range(sample(10, 400)):
        np.testing.assert_array_equal(watched.run(frame), wanted)
        assert os.sched_getaffinity(0) == all_cores
    print(f"{threads} threads{' aside' * aside}: {seen['stops']} stops, {seen['moves']} moves")
