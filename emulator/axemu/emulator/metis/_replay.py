"""Whole programs, simulated until everything repeats; the repetitions are then filled in, to the tick."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from axemu.emulator.metis._cycle import Cycle, Watch, sums_of
from axemu.emulator.metis._machine import Machine, Marks, Name
from axemu.emulator.metis._programs import awaited, complete, simulate, stagger
from axemu.emulator.metis._spec import Board, BoardState, Call, CallTimes, InstanceSpec, Pool, Timeline


def replay(
    boards: Board | Sequence[Board],
    states: Sequence[BoardState],
    instances: Sequence[InstanceSpec],
    threads: Sequence[Sequence[Call]],
    pools: Sequence[Pool] = (),
) -> Timeline:
    """Return what :func:`simulate` returns, sooner where programs repeat themselves; arguments and errors are its."""
    if pools:
        return simulate(boards, states, instances, threads, pools=pools)
    machine = Machine(boards, states, instances)
    names = awaited(threads)
    marks = Marks(machine, names)
    programs = [
        _Program(number, calls, _cuts(number, calls, names))
        for number, calls in enumerate(stagger(machine, threads))
    ]
    for program in programs:
        machine.start_program(program.number, program, program.keep, marks)
    added = tuple[dict[str, int], ...](({}, {}, {}))
    going: Sequence[_Program] = programs
    while any(program.left for program in going) and machine.peek() is not None:
        going = [program for program in going if not program.ended]
        waiting = [program for program in going if program.number in marks.waiting]
        free = [program for program in going if program.number not in marks.waiting]
        watched = max(free, key=lambda program: program.left, default=None)
        changes = marks.changes
        if watched is not None and watched.left:
            _until_repeated(machine, (free, waiting), watched, marks, added)
        else:
            while marks.changes == changes and machine.peek() is not None:
                machine.step()
    machine.run()
    calls = [complete(program.number, program.times(), threads) for program in programs]
    done = machine.timeline(calls)
    busy, units, moved = (
        {unit: amount + more.get(unit, 0) for unit, amount in sums.items()}
        for sums, more in zip(sums_of(done), added, strict=True)
    )
    return replace(done, busy=busy, unit_ticks=units, bytes_moved=moved)


def _cuts(thread: int, calls: Sequence[Call], names: Collection[Name]) -> Sequence[int]:
    """Return the calls that wait for others, or others for them: they are never left out."""
    awaited = {index for number, index in names if number == thread}
    return sorted(awaited | {index for index, call in enumerate(calls) if call.after})


@dataclass(frozen=True, slots=True)
class _Jump:
    """After `at` simulated calls the last `length` of them happen `times` more, `period` ticks apart."""

    at: int
    length: int
    times: int
    period: int


@dataclass(slots=True)
class _Program:
    """The calls of a thread as the machine takes them; some can be left out."""

    number: int
    calls: Sequence[Call]
    cuts: Sequence[int]
    position: int = 0
    results: list[CallTimes] = field(default_factory=list)
    jumps: list[_Jump] = field(default_factory=list)
    _simulated: int = 0

    def __iter__(self) -> Iterator[tuple[Name, Call]]:
        while self.left:
            self.position += 1
            self._simulated += 1
            yield (self.number, self.position - 1), self.calls[self.position - 1]

    def keep(self, name: Name, times: CallTimes) -> None:  # noqa: ARG002
        """Take the times of a call."""
        self.results.append(times)

    @property
    def left(self) -> int:
        """Calls the machine has not taken yet."""
        return len(self.calls) - self.position

    @property
    def ended(self) -> bool:
        """Whether all calls have returned."""
        return not self.left and self._simulated == len(self.results)

    def around(self) -> Sequence[Call]:
        """Return the last call that returned and the one under way."""
        under_way = self._simulated - len(self.results)
        return tuple(self.calls[max(0, self.position - under_way - 1) : self.position])

    def repeats(self, length: int) -> int:
        """Return how often the last `length` calls come again from here, up to the next that others have to do with."""
        end, step = self.position, length
        cut = bisect_left(self.cuts, self.position)
        last = self.cuts[cut] if cut < len(self.cuts) else len(self.calls)
        while end < last:
            reach = min(last, end + step)
            if self.calls[end - length : reach - length] == self.calls[end:reach]:
                end, step = reach, 2 * step
            elif step > length:
                step = length
            else:
                break
        return (end - self.position) // length

    def leave_out(self, length: int, times: int, period: int) -> None:
        """Go on `times` cycles of `length` calls later; a program that waits has none in them."""
        self.position += times * length
        self.jumps.append(_Jump(len(self.results), length, times, period))

    def times(self) -> list[CallTimes]:
        """Return the times of all calls, those left out filled in."""
        simulated = np.array(self.results, np.int64).reshape(-1, len(CallTimes._fields))
        pieces: list[npt.NDArray[np.int64]] = []
        begin = shift = 0
        for jump in self.jumps:
            pieces.append(simulated[begin : jump.at] + shift)
            cycle = simulated[jump.at - jump.length : jump.at] + shift
            later = jump.period * np.arange(1, jump.times + 1)
            pieces.append((cycle + later[:, None, None]).reshape(-1, cycle.shape[1]))
            begin, shift = jump.at, shift + jump.period * jump.times
        pieces.append(simulated[begin:] + shift)
        return list(map(CallTimes._make, np.concatenate(pieces).tolist()))


def _until_repeated(
    machine: Machine,
    programs: tuple[Sequence[_Program], Sequence[_Program]],
    watched: _Program,
    marks: Marks,
    added: Sequence[dict[str, int]],
) -> None:
    """Simulate until a cycle is found and leave its repetitions out; `programs` are those that are free and that wait.

    Or until `watched` has no call left, or other ones wait.
    """
    free, waiting = programs
    watch = Watch(
        machine, [program.results for program in free], lambda: tuple(program.around() for program in free)
    )
    seen, changes = len(watched.results), marks.changes
    while watched.left and marks.changes == changes and machine.peek() is not None:
        machine.step()
        if len(watched.results) > seen:
            seen = len(watched.results)
            cycle = watch.look()
            if cycle and _leave_out(free, waiting, cycle, added):
                return


def _leave_out(
    free: Sequence[_Program], waiting: Sequence[_Program], cycle: Cycle, added: Sequence[dict[str, int]]
) -> bool:
    """Leave out as many cycles as all programs that do not wait have; return whether there were any."""
    # A thread whose last call returned in this cycle took part in it and will not again.
    active = [
        (program, length)
        for program, length in zip(free, cycle.calls, strict=True)
        if length or not program.ended
    ]
    if not active or not all(length for _, length in active):
        return False
    times = min(program.repeats(length) for program, length in active)
    if not times:
        return False
    for program, length in active:
        program.leave_out(length, times, cycle.period)
    for program in waiting:
        program.leave_out(0, times, cycle.period)
    for more, sums in zip(added, cycle.sums, strict=True):
        for unit, amount in sums.items():
            more[unit] = more.get(unit, 0) + times * amount
    return True
