"""Noticing that a machine repeats itself.

The machine is deterministic and knows no absolute time. When it has gone through the same conditions twice, in the same
order, and all threads go on with the same calls, it will go through them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from axemu.emulator.metis._machine import Machine
from axemu.emulator.metis._spec import CallTimes, Timeline

LONGEST = 64
"""Longest cycle that is looked for, in calls of one thread."""

Sums = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cycle:
    """What the machine just did for the second time: in `period` ticks each thread got the last `calls[thread]` results.

    `sums` are what busy ticks, ticks by unit and bytes moved grew by.
    """

    period: int
    calls: tuple[int, ...]
    sums: tuple[Sums, ...]


@dataclass(frozen=True, slots=True)
class _Mark:
    snapshot: object
    tick: int
    counts: tuple[int, ...]
    sums: tuple[Sums, ...]


class Watch:
    """Looks at a machine whenever a call of one of its threads has returned.

    Args:
        machine: the machine.
        results: where the machine puts the results of each thread.
        calls: returns what tells the next calls apart: per thread, the last one that returned and what is under way.
    """

    def __init__(
        self, machine: Machine, results: Sequence[Sequence[CallTimes]], calls: Callable[[], object]
    ) -> None:
        self._machine = machine
        self._results = results
        self._calls = calls
        self._marks: deque[_Mark] = deque(maxlen=2 * LONGEST + 1)

    def look(self) -> Cycle | None:
        """Return the cycle that just ended, if it was gone through twice."""
        marks = self._marks
        marks.append(self._mark())
        last = len(marks) - 1
        for length in range(1, len(marks) // 2 + 1):
            if all(
                marks[last - back].snapshot == marks[last - back - length].snapshot for back in range(length)
            ):
                return _between(marks[last - length], marks[last])
        return None

    def _mark(self) -> _Mark:
        tick = self._machine.now
        counts = tuple(map(len, self._results))
        before = self._marks[-1].counts if self._marks else counts
        happened = tuple(
            tuple(tuple(time - tick for time in call) for call in calls[begin:])
            for calls, begin in zip(self._results, before, strict=True)
        )
        snapshot = (self._machine.snapshot(), happened, self._calls())
        return _Mark(snapshot, tick, counts, sums_of(self._machine.timeline(())))


def sums_of(timeline: Timeline) -> tuple[Sums, ...]:
    """Return what a machine counts: busy ticks, ticks by unit, bytes moved."""
    return (timeline.busy, timeline.unit_ticks, timeline.bytes_moved)


def _between(before: _Mark, now: _Mark) -> Cycle:
    return Cycle(
        now.tick - before.tick,
        tuple(after - earlier for earlier, after in zip(before.counts, now.counts, strict=True)),
        tuple(
            {unit: amount - earlier.get(unit, 0) for unit, amount in after.items()}
            for earlier, after in zip(before.sums, now.sums, strict=True)
        ),
    )
