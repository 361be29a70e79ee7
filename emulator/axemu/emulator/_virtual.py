"""The pace `virtual`: nothing waits; the clock is computed when somebody asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from axemu.emulator._boards import SettingsTable
from axemu.emulator._log import CallLog, ThreadLog
from axemu.emulator._timing import Record, board_state, collect
from axemu.emulator.metis import Board, Call, InstanceSpec, replay, simulate


class VirtualPace:
    """Logs the calls of each thread and replays them on demand.

    A replay depends on each thread's own order of calls and on nothing else, so it does not matter when or how often
    it is asked for, nor how busy the host is.
    """

    name = "virtual"

    def __init__(self, boards: Sequence[Board], settings: SettingsTable, trace: bool = False) -> None:  # noqa: ARG002
        self._boards = boards
        self._settings = settings
        self._log = CallLog()
        self._lock = threading.Lock()
        self._known = (-1, -1)
        self._record: Record | None = None

    def add(self, instance: InstanceSpec) -> None:
        """Do nothing: instances are looked up when their calls are replayed."""

    def arrive(self, instance: InstanceSpec, settings: int) -> Callable[[], None]:
        """Return what to call when the values of the frame are there: it logs the frame."""
        return partial(self._log.record, instance.id, settings)

    def record(self, instances: Sequence[InstanceSpec], trace: bool = False) -> Record:
        """Simulate all calls logged so far."""
        with self._lock:
            if self._record is None or self._known != (self._log.size(), len(instances)) or trace:
                logs = sorted(self._log.snapshot(), key=_program)
                states = [board_state(settings) for settings in self._settings.since(0)]
                threads = _threads(logs)
                # A trace shows every frame; otherwise what repeats itself is filled in, with the same times.
                timeline = (
                    simulate(self._boards, states, instances, threads, trace=True)
                    if trace
                    else replay(self._boards, states, instances, threads)
                )
                times = [np.array(calls, np.int64).reshape(-1, 4) for calls in timeline.calls]
                self._known = (sum(len(log.instances) for log in logs), len(instances))
                self._record = collect(timeline, logs, times, instances)
            return self._record

    def remarks(self) -> Mapping[str, float]:
        """Return nothing: this pace has no properties of its own to report."""
        return {}

    def close(self) -> None:
        """Nothing to stop."""


def _program(log: ThreadLog) -> tuple[bytes, bytes]:
    """Order threads by what they do, since which of them called first is up to the scheduler."""
    return log.instances.tobytes(), log.settings.tobytes()


def _threads(logs: Sequence[ThreadLog]) -> list[list[Call]]:
    places = {log.number: place for place, log in enumerate(logs)}
    threads = []
    for log in logs:
        calls = [
            Call(instance, settings) for instance, settings in zip(log.instances, log.settings, strict=True)
        ]
        for index, earlier in log.after.items():
            after = tuple((places[thread], call) for thread, call in earlier)
            calls[index] = calls[index]._replace(after=after)
        for index, tick in log.earliest.items():
            calls[index] = calls[index]._replace(earliest=tick)
        threads.append(calls)
    return threads
