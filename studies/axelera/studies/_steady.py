"""Closed loops run until they repeat, or for every frame of a given time."""

from __future__ import annotations

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
    timeline: Timeline


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
    results: list[list[CallTimes]] = [[] for _ in instances]
    machine.start_threads([repeat(Call(instance.id)) for instance in instances], results)
    limit = round(seconds * TICKS_PER_SECOND)
    extrapolated = False
    counted = WARM_UP
    before = 0.0
    if every_frame:
        machine.advance(limit)
    else:
        for block in range(1, MOST_BLOCKS + 1):
            counted = WARM_UP + block * BLOCK
            if not machine.advance_calls(results, counted, limit):
                break
            rate = sum(1 / _period(calls[WARM_UP:counted]) for calls in results)
            if block > 2 and abs(rate / before - 1) < TOLERANCE:
                extrapolated = True
                break
            before = rate
    if any(len(calls) < WARM_UP + 2 for calls in results):
        # Slower than the time given: a few calls tell more than none.
        machine.advance_calls(results, WARM_UP + 2, None)
    waits = [2 if instance.double_buffer else 0 for instance in instances]
    steady = [calls[WARM_UP:] for calls in results]
    return Loops(
        period=tuple(_period(calls) for calls in steady),
        call=tuple(_mean([c.completion - c.arrival for c in calls]) for calls in steady),
        executed=tuple(_mean([c.device_end - c.device_start for c in calls]) for calls in steady),
        latency=tuple(_latency(calls, wait) for calls, wait in zip(steady, waits, strict=True)),
        calls=sum(len(calls) for calls in results),
        extrapolated=extrapolated,
        timeline=machine.timeline(results),
    )


def _period(calls: Sequence[CallTimes]) -> float:
    return (calls[-1].arrival - calls[0].arrival) / (len(calls) - 1)


def _latency(calls: Sequence[CallTimes], wait: int) -> float:
    pairs = zip(calls, calls[wait:], strict=False)
    values = [late.completion - early.arrival for early, late in pairs]
    # Cut short: all that is known is the pace.
    return _mean(values) if values else _period(calls) * (wait + 1)


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)
