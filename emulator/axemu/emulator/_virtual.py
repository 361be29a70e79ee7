"""The pace `virtual`: nothing waits; the clock is computed when somebody asks."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from axemu.driver import Clock
from axemu.emulator._boards import SettingsTable
from axemu.emulator._causality import Story
from axemu.emulator._handover import handovers
from axemu.emulator._log import SETTINGS, CallLog, ThreadLog, not_before
from axemu.emulator._pools import shared_queues
from axemu.emulator._timing import Record, board_state, collect
from axemu.emulator.metis import Board, Call, InstanceSpec, replay, simulate


class VirtualClock(Clock):
    """Nothing waits: a thread's next call is declared to arrive later."""

    def wait_until(self, seconds: float) -> None:
        """Declare when the calling thread's next frame arrives at the earliest."""
        not_before(seconds)


class VirtualPace:
    """Logs the calls of each thread and replays them on demand.

    A replay depends on each thread's own order of calls, and on what threads handed each other, so it does not matter when
    or how often it is asked for, nor how busy the host is.
    """

    name = "virtual"

    def __init__(self, boards: Sequence[Board], settings: SettingsTable, trace: bool = False) -> None:  # noqa: ARG002
        self._boards = boards
        self._settings = settings
        self._story = Story()
        self._log = CallLog(self._story)
        self._lock = threading.RLock()  # a finalizer may end this context while its record is made
        self.clock = VirtualClock()
        handovers.begin()
        self._end = weakref.finalize(self, _end, self._story)
        self._latest: tuple[tuple[int, int], Record] | None = None
        """The last record, and how many calls of how many instances it is of."""

    def add(self, instance: InstanceSpec) -> None:
        """Do nothing: instances are looked up when their calls are replayed."""

    def arrive(self, instance: InstanceSpec, settings: int) -> Callable[[], None]:
        """Return what to call when the values of the frame are there: it logs the frame."""
        return partial(self._log.record, instance.id, settings)

    def calls(self) -> tuple[ThreadLog, ...]:
        """Return what was called so far."""
        return self._log.snapshot()

    def record(
        self, calls: Sequence[ThreadLog], instances: Sequence[InstanceSpec], trace: bool = False
    ) -> Record:
        """Simulate calls; `instances` are all that they call, and perhaps later ones."""
        with self._lock:
            size = sum(map(len, calls)), len(instances)
            if self._latest is not None and self._latest[0] == size and not trace:
                return self._latest[1]
            logs = sorted(calls, key=_program)
            states = [board_state(settings) for settings in self._settings.since(0)]
            threads, pools = _threads(logs), shared_queues(logs, instances)
            # A trace shows every frame; otherwise what repeats itself is filled in, with the same times.
            if trace:
                timeline = simulate(self._boards, states, instances, threads, trace=True, pools=pools)
            else:
                timeline = replay(self._boards, states, instances, threads, pools)
            times = [np.array(of_thread, np.int64).reshape(-1, 4) for of_thread in timeline.calls]
            record = collect(timeline, logs, times, instances, self._log.ways, len(pools))
            self._latest = size, record
            return record

    def remarks(self) -> Mapping[str, float]:
        """Return nothing: this pace has no properties of its own to report."""
        return {}

    def close(self) -> None:
        """Watch the program's threads no longer."""
        self._end()


def _end(story: Story) -> None:
    """Stop watching for a pace that is closed, or was dropped."""
    story.open = False
    handovers.end()


def _program(log: ThreadLog) -> bytes:
    """Order threads by what they do, since which of them called first is up to the scheduler."""
    return log.calls.tobytes()


def _threads(logs: Sequence[ThreadLog]) -> list[list[Call]]:
    places = {log.number: place for place, log in enumerate(logs)}
    threads = []
    for log in logs:
        calls = [Call(*divmod(call, SETTINGS)) for call in log.calls]
        for index, earlier in log.after.items():
            after = tuple((places[thread], call) for thread, call in earlier)
            calls[index] = calls[index]._replace(after=after)
        for index, tick in log.earliest.items():
            calls[index] = calls[index]._replace(earliest=tick)
        threads.append(calls)
    return threads
