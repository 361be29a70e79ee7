"""Closed loops run until they repeat, or for every frame of a given time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from axemu.chip import TICKS_PER_SECOND
from axemu.emulator.metis import (
    JITTER_PERIOD,
    Board,
    BoardState,
    Call,
    CallTimes,
    Cycle,
    InstanceSpec,
    Machine,
    Watch,
    start_threads,
)

WARM_UP = 3
"""Calls per thread that are not counted: with double buffering the first two have nothing to execute."""
BLOCK = JITTER_PERIOD
"""Calls that make a block: all launch times once."""
TOLERANCE = 5e-4
"""Loops that never repeat exactly are steady when another block of calls changes the mean rate by less."""
MOST_BLOCKS = 40


@dataclass(frozen=True, slots=True)
class Loops:
    """What steady loops did: mean ticks per call and thread.

    `latency` is from arrival to holding the result of the frame, `call` the time inside a call, `period` from call to
    call, `executed` the time the cores were held. `calls` were simulated; `busy` maps units to their share of time,
    `units` what the cores do (`axemu.emulator.metis.BUSY`) to the ticks of a mean call.
    """

    period: tuple[float, ...]
    call: tuple[float, ...]
    executed: tuple[float, ...]
    latency: tuple[float, ...]
    calls: int
    extrapolated: bool
    busy: Mapping[str, float]
    units: Mapping[str, float]


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
    programs = [repeat(Call(instance.id)) for instance in instances]
    waits = [2 if instance.double_buffer else 0 for instance in instances]
    limit = round(seconds * TICKS_PER_SECOND)
    if every_frame:
        tallies = [_Tally(wait) for wait in waits]
        start_threads(machine, programs, tallies)
        machine.advance(limit)
        if any(tally.counted < 2 for tally in tallies):
            machine.advance_calls(tallies, WARM_UP + 2, None)
        return _mean(machine, tallies, extrapolated=False)
    results: list[list[CallTimes]] = [[] for _ in instances]
    start_threads(machine, programs, results)
    found = _until_steady(machine, results, waits, limit)
    if isinstance(found, Cycle):
        return _of_cycle(found, results, waits)
    if any(len(calls) < WARM_UP + 2 for calls in results):
        # Slower than the time given: a few calls tell more than none.
        machine.advance_calls(results, WARM_UP + 2, None)
    return _mean(machine, _tallied(results, waits), extrapolated=found)


def _until_steady(
    machine: Machine, results: Sequence[Sequence[CallTimes]], waits: Sequence[int], limit: int
) -> Cycle | bool:
    """Run until all repeats exactly: return the cycle. Otherwise return whether the mean rate has become steady."""
    watch = Watch(machine, results, tuple)
    seen = blocks = 0
    before = 0.0
    while blocks < MOST_BLOCKS and (tick := machine.peek()) is not None and tick <= limit:
        machine.step()
        if len(results[0]) == seen:
            continue
        seen = len(results[0])
        cycle = watch.look()
        if cycle and all(cycle.calls):
            return cycle
        if min(map(len, results)) >= WARM_UP + (blocks + 1) * BLOCK:
            blocks += 1
            rate = sum(1 / tally.period for tally in _tallied(results, waits))
            if blocks > 2 and abs(rate / before - 1) < TOLERANCE:
                return True
            before = rate
    return False


def _tallied(results: Sequence[Sequence[CallTimes]], waits: Sequence[int]) -> list[_Tally]:
    tallies = [_Tally(wait) for wait in waits]
    for tally, calls in zip(tallies, results, strict=True):
        for call in calls:
            tally.append(call)
    return tallies


def _mean(machine: Machine, tallies: Sequence[_Tally], extrapolated: bool) -> Loops:
    timeline = machine.timeline(())
    elapsed = max(1, machine.now)
    busy = {**timeline.busy, **timeline.unit_ticks}
    return Loops(
        period=tuple(tally.period for tally in tallies),
        call=tuple(tally.call for tally in tallies),
        executed=tuple(tally.executed for tally in tallies),
        latency=tuple(tally.latency for tally in tallies),
        calls=sum(map(len, tallies)),
        extrapolated=extrapolated,
        busy={unit: min(1.0, ticks / elapsed) for unit, ticks in busy.items()},
        units=_units(timeline.unit_ticks, sum(tally.executed for tally in tallies) / len(tallies)),
    )


def _of_cycle(cycle: Cycle, results: Sequence[Sequence[CallTimes]], waits: Sequence[int]) -> Loops:
    last = [calls[-count:] for calls, count in zip(results, cycle.calls, strict=True)]
    busy, units, _ = cycle.sums
    executed = tuple(
        sum(call.device_end - call.device_start for call in calls) / len(calls) for calls in last
    )
    return Loops(
        period=tuple(cycle.period / len(calls) for calls in last),
        call=tuple(sum(call.completion - call.arrival for call in calls) / len(calls) for calls in last),
        executed=executed,
        latency=tuple(_latency(calls, wait, cycle.period) for calls, wait in zip(last, waits, strict=True)),
        calls=sum(map(len, results)),
        extrapolated=True,
        busy={unit: min(1.0, ticks / cycle.period) for unit, ticks in {**busy, **units}.items()},
        units=_units(units, sum(executed) / len(executed)),
    )


def _latency(calls: Sequence[CallTimes], wait: int, period: int) -> float:
    """Return the mean ticks from submitting a frame to holding its result, `wait` calls later."""
    total = 0
    for number, call in enumerate(calls):
        cycles, place = divmod(number - wait, len(calls))
        total += call.completion - (calls[place].arrival + cycles * period)
    return total / len(calls)


def _units(ticks: Mapping[str, int], executed: float) -> dict[str, float]:
    """Return what a mean execution of `executed` ticks goes to, from the ticks of all cores and units."""
    sums: dict[str, float] = {}
    for name, amount in ticks.items():
        unit = name.rpartition(".")[2]
        sums[unit] = sums.get(unit, 0) + amount
    total = sum(sums.values())
    return {unit: amount * executed / total for unit, amount in sums.items()} if total else {}
