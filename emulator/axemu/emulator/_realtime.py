"""The pace `realtime`: `run()` returns when the simulated board would have answered.

The machine is advanced to the wall clock by one thread, which wakes callers as their calls complete. A thread that
comes back within a millisecond of its last return is taken to have come back at that call's completion (plus the
host's gap, as in virtual time), so neither our late wake-ups nor the cost of Python are charged to the board. Until a
thread has come back or that millisecond has passed, the machine does not go beyond that moment.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

import numpy as np

from axemu.chip import TICKS_PER_SECOND
from axemu.driver import Clock, ConnectionError, InternalError  # noqa: A004
from axemu.emulator._boards import SettingsTable
from axemu.emulator._log import CallLog, ThreadLog
from axemu.emulator._timing import Record, board_state, collect, seconds
from axemu.emulator.metis import Board, Call, InstanceSpec, Machine, PendingCall, seconds_to_ticks

TICKS_PER_NANOSECOND = TICKS_PER_SECOND // 1_000_000_000
GRACE = seconds_to_ticks(1e-3)
SLOW_WAKE = seconds_to_ticks(50e-3)
"""How long the machine waits for a thread that was woken and has not run yet (a busy host)."""
SHORTEST_SLEEP = 50e-6


@dataclass(slots=True, eq=False)
class _InFlight:
    pending: PendingCall
    thread: int
    instance: InstanceSpec
    settings: int
    waiting: bool = False
    done: SimpleQueue[None] = field(default_factory=SimpleQueue)
    """Holds something when there is nothing to wait for any more; an interrupted `Event` may stop who sets it."""


@dataclass(slots=True)
class _Returned:
    """A thread between two calls: it may come back as if at tick `resume`, until wall tick `expires`."""

    resume: int
    expires: int


class RealtimePace:
    """Runs the machine against the wall clock."""

    name = "realtime"

    def __init__(self, boards: Sequence[Board], settings: SettingsTable, trace: bool = False) -> None:
        self._machine = Machine(boards, [], [], trace)
        self._settings = settings
        self._gaps = [seconds_to_ticks(board.host.gap.value) for board in boards]
        self._log = CallLog()
        self.clock = Clock()
        self._origin = 0
        self._in_flight: list[_InFlight] = []
        self._returned: dict[int, _Returned] = {}
        # The lock is taken itself: an interrupt in `Condition.__enter__` would keep it for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._pacing = False
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._closed = False
        self._failure: BaseException | None = None
        self._late_sum = 0
        self._late_max = 0
        self._late_count = 0

    def add(self, instance: InstanceSpec) -> None:
        """Put an instance on the machine."""
        with self._lock:
            self._machine.add_instance(instance)

    def arrive(self, instance: InstanceSpec, settings: int) -> Callable[[], None]:
        """Stamp a call's arrival and hand it to the machine.

        Return what to call when the values of the frame are there: it waits until the board would have answered. A call
        that fails meanwhile is left to the machine; nobody waits for it and it is not logged.
        """
        log = self._log.thread()
        thread = log.number
        with self._lock:
            now = self._start()
            for new in self._settings.since(len(self._machine.states)):
                self._machine.add_state(board_state(new))
            returned = self._returned.pop(thread, None)
            arrival = returned.resume if returned and now <= returned.expires else now
            pending = self._machine.submit(Call(instance.id, settings), arrival, thread, len(log))
            call = _InFlight(pending, thread, instance, settings)
            self._in_flight.append(call)
            if self._failure is not None or self._closed:
                call.done.put(None)  # nobody advances the machine any more
            self._tell_pacing()
        return partial(self._complete, call)

    def calls(self) -> tuple[ThreadLog, ...]:
        """Return what was called so far."""
        return self._log.snapshot()

    def record(
        self,
        calls: Sequence[ThreadLog],
        instances: Sequence[InstanceSpec],
        trace: bool = False,  # noqa: ARG002
    ) -> Record:
        """Return what happened so far; spans are kept when the pace was made for a trace."""
        with self._lock:
            times = [np.array(log.times, np.int64).reshape(-1, 4) for log in calls]
            return collect(self._machine.timeline([]), calls, times, instances)

    def remarks(self) -> Mapping[str, float]:
        """Return how late callers were woken, which is not part of the simulated times."""
        with self._lock:
            mean = self._late_sum / self._late_count if self._late_count else 0
            return {"late_mean_ms": seconds(mean) * 1e3, "late_max_ms": seconds(self._late_max) * 1e3}

    def close(self) -> None:
        """Stop the pacing thread and wake whoever still waits."""
        with self._lock:
            self._closed = True
            self._tell_pacing()
        if self._pacing:
            self._ended.get()
            self._ended.put(None)  # for who closes again

    def _tell_pacing(self) -> None:
        """Wake the pacing thread; the caller holds the lock.

        An interrupt in an earlier `notify` may have left the waiter it woke in the queue, where it would take the place of the
        thread's next one: so all that are there are woken.
        """
        self._changed.notify_all()

    def _complete(self, call: _InFlight) -> None:
        call.waiting = True
        call.done.get()
        times = call.pending.times
        if self._failure is not None:
            raise InternalError(f"the simulation of the boards failed: {self._failure!r}") from self._failure
        if times is None:
            raise ConnectionError(
                "the context was released while a frame was in flight; join the threads first"
            )
        with self._lock:
            now = self._now()
            late = now - times.completion
            self._late_sum += late
            self._late_count += 1
            self._late_max = max(self._late_max, late)
            if call.thread in self._returned:
                self._returned[call.thread].expires = now + GRACE
        self._log.record(call.instance.id, call.settings, times)

    def _start(self) -> int:
        """Return the wall clock in ticks since the first call; the first call starts the clock.

        Who paces is decided by the thread that does, once it runs: an interrupt here may leave one that never started.
        """
        if not self._origin:
            self._origin = time.monotonic_ns()
        if not self._pacing:
            _thread.start_new_thread(self._run, ())  # an interrupt in `Thread.start` would damage its locks
        return self._now()

    def _now(self) -> int:
        return (time.monotonic_ns() - self._origin) * TICKS_PER_NANOSECOND

    def _run(self) -> None:
        with self._lock:
            if self._pacing:
                return
            self._pacing = True
            try:
                while not self._closed:
                    self._changed.wait(self._advance())
            except Exception as error:  # noqa: BLE001  callers would wait for ever
                self._failure = error
            for call in self._in_flight:
                call.done.put(None)
        self._ended.put(None)

    def _advance(self) -> float | None:
        """Process what is due and return the seconds until something next is, or None when nothing is in flight."""
        machine = self._machine
        while True:
            now = self._now()
            self._returned = {
                thread: returned for thread, returned in self._returned.items() if now <= returned.expires
            }
            limit = min((returned.resume for returned in self._returned.values()), default=now)
            tick = machine.peek()
            if tick is None:
                return None
            if tick > min(limit, now):
                break
            machine.advance(tick)
            self._wake(now)
        # Either the next event lies ahead, or a thread may still come back before it.
        wake = tick if tick > now else min(returned.expires for returned in self._returned.values())
        return max(seconds(wake - now), SHORTEST_SLEEP)

    def _wake(self, now: int) -> None:
        for call in [call for call in self._in_flight if call.pending.done]:
            self._in_flight.remove(call)
            assert call.pending.times is not None  # noqa: S101  done
            # Otherwise its values take longer than the board would, and it comes back when it comes.
            if call.waiting:
                resume = call.pending.times.completion + self._gaps[call.instance.board]
                self._returned[call.thread] = _Returned(resume, now + SLOW_WAKE)
            call.done.put(None)
