"""The cores of an instance while they execute a call: an in-order control core, DMA channels and the matrix path.

The control core starts transfers and passes and waits for them. Whatever does not depend on other cores is worked out
without the clock of the simulation, and so are transfers from and to DDR as far as nobody can come between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

import simpy

from axemu.emulator.metis._fluid import Steps, Transfer
from axemu.emulator.metis._schedule import Act, Kind, Stretch

Record = Callable[[str, Act, int, int], None]
Known = dict[tuple[Any, ...], tuple[Any, ...]]
"""What stretches of a call lead to, by where they are and how they begin."""

LONG = 8
"""Acts in a row above which it pays to look up what they lead to."""
MOST_KNOWN = 4096


class Memory(Protocol):
    """The way of the cores of an instance to DDR."""

    def foresees(self, tick: int) -> bool:
        """Return whether nothing unknown can happen up to and including `tick`."""
        ...

    def fetch(self, amount: int, tick: int) -> Transfer:
        """Move bytes from `tick` on."""
        ...

    def wait(self, transfer: Transfer) -> Steps:
        """Find out when a transfer ends."""
        ...


class Execution:
    """One call on its cores.

    Times are ticks: `control` is how far the control core has come, `path` how far the matrix path. `waited` are ticks in
    which both stood still, for DDR and for L2.
    """

    def __init__(
        self,
        env: simpy.Environment,
        stretches: Sequence[Stretch],
        memory: Memory,
        known: Known,
        record: Record | None,
    ) -> None:
        self._env = env
        self._stretches = stretches
        self._memory = memory
        self._known = known
        self._record = record
        self._channels = [0, 0]
        self._ends: dict[int, int] = {}
        self._transfers: dict[int, Transfer] = {}
        self._position = 0
        self.control = self.path = int(env.now)
        self.waited = {"move": 0, "ddr": 0}

    def run(self) -> Steps:
        """Execute; ends at the tick at which the cores are free."""
        for alone, act in self._stretches:
            if len(alone) >= LONG and self._record is None:
                self._as_before(alone)
            else:
                self._do(alone)
            self._position += 1
            if act is None:
                continue
            if act.kind is Kind.FETCH:
                if self.control > self._env.now and not self._memory.foresees(self.control):
                    yield from self._until(self.control)
                self._transfers[act.number] = self._memory.fetch(act.amount, self.control)
            else:
                self._wait("ddr", act, (yield from self._ended(self._transfers.pop(act.number))))
        for transfer in self._transfers.values():  # a program need not wait for what it starts
            self.control = max(self.control, (yield from self._ended(transfer)))
        self.control = max(self.control, self.path)
        yield from self._until(self.control)

    def snapshot(self, now: int) -> tuple[object, ...]:
        """Return where the execution is, relative to `now`."""
        return (
            self._position,
            self.control - now,
            *self._relative(),
            tuple(
                (number, None if transfer.end is None else transfer.end - now)
                for number, transfer in self._transfers.items()
            ),
        )

    def _as_before(self, alone: Sequence[Act]) -> None:
        """Do what depends on nobody else; what begins alike ends alike."""
        control = self.control
        begin = (self._position, *self._relative())
        if begin not in self._known:
            waited = self.waited["move"]
            self._do(alone)
            if len(self._known) < MOST_KNOWN:
                spent = (self.control - control, self.waited["move"] - waited)
                self._known[begin] = (*spent, *self._relative())
            return
        took, waited, path, *channels, ends = self._known[begin]
        self.control = control = control + took
        self.waited["move"] += waited
        self.path = control + path
        self._channels = [control + one for one in channels]
        self._ends = {number: control + end for number, end in ends}

    def _relative(self) -> tuple[Any, ...]:
        """Return what is under way, relative to the control core; what is over matters no more."""
        control = self.control
        return (
            *(max(end - control, 0) for end in (self.path, *self._channels)),
            tuple((number, max(end - control, 0)) for number, end in self._ends.items()),
        )

    def _do(self, alone: Sequence[Act]) -> None:
        for act in alone:
            self._alone(act)

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

    def _ended(self, transfer: Transfer) -> Generator[simpy.Event, Any, int]:
        if transfer.end is None:
            yield from self._memory.wait(transfer)
        assert transfer.end is not None  # noqa: S101 - waited for
        return transfer.end

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
