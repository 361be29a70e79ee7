"""Whole programs on the machine: calling threads, each with its calls in order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from axemu.emulator.metis._machine import Machine, Marks, Name, Results
from axemu.emulator.metis._spec import Board, BoardState, Call, CallTimes, InstanceSpec, Pool, Timeline


def simulate(
    boards: Board | Sequence[Board],
    states: Sequence[BoardState],
    instances: Sequence[InstanceSpec],
    threads: Sequence[Sequence[Call]],
    trace: bool = False,
    pools: Sequence[Pool] = (),
) -> Timeline:
    """Run each thread's calls in its own order, closed loop, and return when everything happened.

    Args:
        boards: the boards; `InstanceSpec.board` indexes them.
        states: settings that `Call.config` indexes.
        instances: the loaded model instances.
        threads: per calling thread its calls in program order.
        trace: record a span for each thing each unit did.
        pools: threads that share a queue of work; any of them may execute an item of another. Times stay with the
            thread that a call is listed under.

    Raises:
        ValueError: an instance names cores the board does not have, or calls wait for each other for ever.
    """
    machine = Machine(boards, states, instances, trace)
    results: list[list[CallTimes | None]] = [[None] * len(calls) for calls in threads]
    marks = Marks(machine, awaited(threads))

    def keep(name: Name, times: CallTimes) -> None:
        results[name[0]][name[1]] = times

    staggered = stagger(machine, threads)
    workers = {worker: program for pool in pools for worker, program in _workers(pool, staggered)}
    for number, calls in enumerate(staggered):
        machine.start_program(number, workers.get(number) or named(number, calls), keep, marks)
    machine.run()
    return machine.timeline([complete(number, calls, threads) for number, calls in enumerate(results)])


def named(thread: int, calls: Sequence[Call], begin: int = 0) -> Iterator[tuple[Name, Call]]:
    """Name the calls of a thread from `begin` on."""
    return (((thread, index), calls[index]) for index in range(begin, len(calls)))


def awaited(threads: Sequence[Sequence[Call]]) -> set[Name]:
    """Return the calls that others wait for."""
    return {name for calls in threads for call in calls for name in call.after}


def complete(
    thread: int, results: Sequence[CallTimes | None], threads: Sequence[Sequence[Call]]
) -> list[CallTimes]:
    """Return the results of a thread.

    Raises:
        ValueError: some are missing, as calls wait for each other for ever.
    """
    done = [times for times in results if times is not None]
    if len(done) < len(threads[thread]):
        missing = results.index(None) if None in results else len(results)
        after = threads[thread][missing].after
        raise ValueError(f"thread {thread}: call {missing} waits for {after}, which never comes")
    return done


def _workers(
    pool: Pool, threads: Sequence[Sequence[Call]]
) -> Iterator[tuple[int, Iterator[tuple[Name, Call]]]]:
    """Yield each worker of a pool with what it does: items are taken when it comes to them."""
    items = deque(pool.items)
    places = {
        instance: (worker, place)
        for worker, own in enumerate(pool.instances)
        for place, instance in enumerate(own)
    }

    def work(rank: int) -> Iterator[tuple[Name, Call]]:
        worker = pool.workers[rank]
        first = min(begin for thread, begin, _ in pool.items if thread == worker)
        yield from itertools.islice(named(worker, threads[worker]), first)
        while items:
            thread, begin, end = items.popleft()
            for name, call in itertools.islice(named(thread, threads[thread], begin), end - begin):
                if pool.instances:
                    place = places[call.instance][1]
                    yield name, call._replace(instance=pool.instances[rank][place])
                else:
                    yield name, call

    for rank, worker in enumerate(pool.workers):
        yield worker, work(rank)


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
