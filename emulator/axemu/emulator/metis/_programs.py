"""Whole programs on the machine: calling threads, each with its calls in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import simpy

from axemu.emulator.metis._machine import Machine, Results
from axemu.emulator.metis._spec import Board, BoardState, Call, CallTimes, InstanceSpec, Timeline


def simulate(
    boards: Board | Sequence[Board],
    states: Sequence[BoardState],
    instances: Sequence[InstanceSpec],
    threads: Sequence[Sequence[Call]],
    trace: bool = False,
) -> Timeline:
    """Run each thread's calls in its own order, closed loop, and return when everything happened.

    Args:
        boards: the boards; `InstanceSpec.board` indexes them.
        states: settings that `Call.config` indexes.
        instances: the loaded model instances.
        threads: per calling thread its calls in program order.
        trace: record a span for each thing each unit did.

    Raises:
        ValueError: an instance names cores the board does not have, or calls wait for each other for ever.
    """
    machine = Machine(boards, states, instances, trace)
    results: list[list[CallTimes]] = [[] for _ in threads]
    waits = any(call.after for calls in threads for call in calls)
    events: dict[tuple[int, int], simpy.Event] = {}

    def mark(key: tuple[int, int]) -> simpy.Event:
        return events.setdefault(key, machine.event())

    for number, calls in enumerate(stagger(machine, threads)):
        machine.start_thread(number, calls, results[number], mark if waits else None)
    machine.run()
    for number, calls in enumerate(threads):
        if len(results[number]) < len(calls):
            call = calls[len(results[number])]
            raise ValueError(
                f"thread {number}: call {len(results[number])} waits for {call.after}, which never comes"
            )
    return machine.timeline(results)


def start_threads(machine: Machine, threads: Sequence[Iterable[Call]], results: Sequence[Results]) -> None:
    """Start one calling thread per program, out of step where they contend for DDR; programs may be endless."""
    opened = [iter(calls) for calls in threads]
    first = [list(itertools.islice(calls, 1)) for calls in opened]
    for number, begin in enumerate(stagger(machine, first)):
        machine.start_thread(number, itertools.chain(begin, opened[number]), results[number])


def stagger(machine: Machine, threads: Sequence[Sequence[Call]]) -> list[Sequence[Call]]:
    """Let threads that contend for a board's DDR begin spread evenly over one call.

    Threads of a program are never in step for long. Equal programs that all began at tick 0 would stay so for ever,
    and meet at the DDR in every layer: a state that no card is seen in.
    """
    rivals: dict[int, list[int]] = {}
    for number, calls in enumerate(threads):
        if calls and machine.demand(calls[0])[1]:
            rivals.setdefault(machine.board_of(calls[0]), []).append(number)
    result: list[Sequence[Call]] = list(threads)
    for numbers in rivals.values():
        spread = loaded_call([machine.demand(threads[number][0]) for number in numbers])
        for rank, number in enumerate(numbers):
            first, *rest = threads[number]
            offset = spread * rank // len(numbers)
            result[number] = [first._replace(earliest=first.earliest + offset), *rest]
    return result


def loaded_call(demands: Sequence[tuple[int, int]]) -> int:
    """Estimate the ticks of a call when all of `demands` (ticks, of these DDR) meet: mean-value analysis."""
    total = sum(ticks for ticks, _ in demands) / len(demands)
    ddr = sum(fetching for _, fetching in demands) / len(demands)
    queue, call = 0.0, total
    for customers in range(1, len(demands) + 1):
        call = total - ddr + ddr * (1 + queue)
        queue = customers * ddr * (1 + queue) / call
    return round(call)
