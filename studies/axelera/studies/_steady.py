"""Closed loops run until they repeat, or for every frame of a given time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from axelera.chip import TICKS_PER_SECOND
from axelera.emulator.metis import Board, BoardState, Call, CallTimes, InstanceSpec, Machine, Timeline

WARM_UP = 3
"""Calls per thread that are not counted: with double buffering the first two have nothing to execute."""
BLOCK = 8
TOLERANCE = 5e-4
MOST_BLOCKS = 40


@dataclass(frozen=True, slots=True)
class Loops:
    """What steady loops did: mean ticks per call and thread, and shares of time.

    `latency` is from arrival to holding the result of the frame, `call` the time inside a call, `period` from call to
    call, `executed` the time the cores were held.
    """

    period: tuple[float, ...]
    call: tuple[float, ...]
    executed: tuple[float, ...]
    latency: tuple[float, ...]
    calls: int
    extrapolated: bool
    elapsed: int
    timeline: Timeline


class _Tally:
    """What the calls of one thread add up to; takes the place of a list of them, so that memory stays flat."""

    def __init__(self, wait: int) -> None:
        self._count = 0
        self._recent: deque[CallTimes] = deque(maxlen=wait + 1)
        self._first = self._last = 0
        self._inside = self._executed = self._latency = self._frames = 0

    def __len__(self) -> int:
        return self._count

    def append(self, call: CallTimes) -> None:
        """Count a call that has returned."""
        self._count += 1
        if self._count <= WARM_UP:
            return
        if self._count == WARM_UP + 1:
            self._first = call.arrival
        self._last = call.arrival
        self._inside += call.completion - call.arrival
        self._executed += call.device_end - call.device_start
        self._recent.append(call)
        if len(self._recent) == self._recent.maxlen:
            self._latency += call.completion - self._recent[0].arrival
            self._frames += 1

    @property
    def counted(self) -> int:
        """Calls after the warm-up."""
        return self._count - WARM_UP

    @property
    def period(self) -> float:
        """Mean ticks from call to call."""
        return (self._last - self._first) / (self.counted - 1)

    @property
    def call(self) -> float:
        """Mean ticks inside a call."""
        return self._inside / self.counted

    @property
    def executed(self) -> float:
        """Mean ticks the cores were held."""
        return self._executed / self.counted

    @property
    def latency(self) -> float:
        """Mean ticks from submitting a frame to holding its result; cut short, the pace is all that is known."""
        waited = self._recent.maxlen or 1
        return self._latency / self._frames if self._frames else self.period * waited


def run_loops(
    boards: Sequence[Board],
    state: BoardState,
    instances: Sequence[InstanceSpec],
    seconds: float,
    every_frame: bool = False,
) -> Loops:
    """Let one thread per instance call it in a closed loop.

    Args:
        boards: the boards.
        state: settings of all boards.
        instances: one per thread.
        seconds: virtual time; the loops are cut there if they have not become steady.
        every_frame: do not look for a steady state.
    """
    machine = Machine(boards, (state,), instances)
    tallies = [_Tally(2 if instance.double_buffer else 0) for instance in instances]
    machine.start_threads([repeat(Call(instance.id)) for instance in instances], tallies)
    limit = round(seconds * TICKS_PER_SECOND)
    extrapolated = False
    before = 0.0
    if every_frame:
        machine.advance(limit)
    else:
        for block in range(1, MOST_BLOCKS + 1):
            if not machine.advance_calls(tallies, WARM_UP + block * BLOCK, limit):
                break
            rate = sum(1 / tally.period for tally in tallies)
            if block > 2 and abs(rate / before - 1) < TOLERANCE:
                extrapolated = True
                break
            before = rate
    if any(tally.counted < 2 for tally in tallies):
        # Slower than the time given: a few calls tell more than none.
        machine.advance_calls(tallies, WARM_UP + 2, None)
    return Loops(
        period=tuple(tally.period for tally in tallies),
        call=tuple(tally.call for tally in tallies),
        executed=tuple(tally.executed for tally in tallies),
        latency=tuple(tally.latency for tally in tallies),
        calls=sum(len(tally) for tally in tallies),
        extrapolated=extrapolated,
        elapsed=machine.now,
        timeline=machine.timeline(()),
    )
