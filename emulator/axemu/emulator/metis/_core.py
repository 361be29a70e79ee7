"""The cores of an instance while they execute a call: an in-order control core, DMA channels and the matrix path.

The control core starts transfers and passes and waits for them. Whatever does not depend on other cores is worked out
without the clock of the simulation; only transfers from and to DDR are events.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import simpy

from axemu.emulator.metis._schedule import Act, Kind

Fetch = Callable[[int], simpy.Event]
Record = Callable[[str, Act, int, int], None]
Steps = Generator[simpy.Event, Any, None]


class Execution:
    """One call on its cores.

    Times are ticks: `control` is how far the control core has come, `path` how far the matrix path. `waited` are ticks in
    which both stood still, for DDR and for L2.
    """

    def __init__(
        self, env: simpy.Environment, acts: Sequence[Act], fetch: Fetch, record: Record | None
    ) -> None:
        self._env = env
        self._acts = acts
        self._fetch = fetch
        self._record = record
        self._channels = [0, 0]
        self._ends: dict[int, int] = {}
        self._events: dict[int, simpy.Event] = {}
        self._position = 0
        self.control = self.path = int(env.now)
        self.waited = {"move": 0, "ddr": 0}

    def run(self) -> Steps:
        """Execute; ends at the tick at which the cores are free."""
        for act in self._acts:
            self._position += 1
            if act.kind is Kind.FETCH:
                yield from self._until(self.control)
                self._events[act.number] = self._fetch(act.amount)
            elif act.kind is Kind.AWAIT and act.number in self._events:
                event = self._events.pop(act.number)
                end: Any = event.value if event.processed else (yield event)
                self._wait("ddr", act, int(end))
            else:
                self._alone(act)
        for event in self._events.values():  # a program need not wait for what it starts
            if not event.processed:
                yield event
        self.control = max(self.control, self.path)
        yield from self._until(self.control)

    def snapshot(self, now: int) -> tuple[object, ...]:
        """Return where the execution is, relative to `now`."""
        return (
            self._position,
            self.control - now,
            # What is over matters no more.
            *(max(end, self.control) - now for end in (self.path, *self._channels)),
            tuple((number, end - now) for number, end in self._ends.items()),
            tuple((number, _ended(event, now)) for number, event in self._events.items()),
        )

    def _alone(self, act: Act) -> None:
        """Do what depends on nobody else."""
        front = max(self.path, self.control)
        if act.kind is Kind.WORK:
            self.path = front + act.ticks
            self._note(act.unit, act, front, self.path)
        elif act.kind is Kind.DRAINED:
            self.control = front + act.ticks
            self._note("control", act, front, self.control)
        elif act.kind is Kind.MOVE:
            begin = max(self.control, self._channels[act.channel])
            self._channels[act.channel] = self._ends[act.number] = begin + act.ticks
        else:
            self._wait("move", act, self._ends.pop(act.number))

    def _until(self, tick: int) -> Steps:
        ahead = tick - int(self._env.now)
        if ahead > 0:
            yield self._env.timeout(ahead)

    def _wait(self, what: str, act: Act, end: int) -> None:
        front = max(self.control, self.path)
        if end > front:
            self.waited[what] += end - front
            self._note(what, act, front, end)
        self.control = max(self.control, end)

    def _note(self, unit: str, act: Act, begin: int, end: int) -> None:
        if self._record is not None and end > begin:
            self._record(unit, act, begin, end)


def _ended(event: simpy.Event, now: int) -> int | None:
    """Return when an event happened, relative to `now`; None where it has not."""
    end: Any = event.value if event.processed else None
    return None if end is None else int(end) - now
