"""What one call of an instance makes its cores do, laid out for the machine: actions with their ticks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import NamedTuple

from axemu.chip import PROGRAMS
from axemu.emulator.metis._cost import BUSY, UNITS, PassCycles, columns_of, cycles_to_ticks, pass_cycles
from axemu.emulator.metis._spec import Board, BoardState, InstanceSpec
from axemu.model.passes import CoreProgram


class Kind(IntEnum):
    """What the control core does."""

    WORK = 0
    """Load the array or run a pass: the matrix path is busy for `ticks`."""
    DRAINED = 1
    """Wait until the matrix path is done, then `ticks` of control."""
    MOVE = 2
    """Start a transfer between L1 and L2 that takes `ticks`."""
    FETCH = 3
    """Start a transfer from or to DDR, of `amount` bytes."""
    AWAIT = 4
    """Wait for transfer `number`."""


class Act(NamedTuple):
    """One thing the control core does; `channel` is 0 for transfers into L1, 1 for those out of it.

    `amount` is bytes of a transfer, or the ticks that the MVM limit adds to a pass. `number` counts passes (loads and runs) or transfers, -1 where several passes were merged; `unit` says what is busy.
    """

    kind: Kind
    ticks: int = 0
    number: int = -1
    amount: int = 0
    channel: int = 0
    unit: str = ""


class Stretch(NamedTuple):
    """Acts that depend on nobody else, and the one with DDR that follows; the last stretch of a call has none."""

    alone: tuple[Act, ...]
    memory: Act | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one call of an instance costs under one board state; times in ticks.

    `units` are the ticks by what a core does, waiting for transfers not among them. Unmerged, for a trace, each load and
    run is an act of its own.
    """

    stretches: tuple[Stretch, ...]
    start: int
    clock: int
    units: Mapping[str, int]
    fetched: int
    """Bytes from and to DDR, of all cores together."""

    @property
    def held(self) -> int:
        """Ticks the cores are held for at least: nothing is waited for."""
        return sum(self.units.values())


def schedule(instance: InstanceSpec, board: Board, state: BoardState, trace: bool) -> Schedule:
    """Lay out a call of `instance`."""
    # Cores in lockstep go at the pace of the slowest.
    clock = min(state.clock_mhz[core] for core in instance.cores)
    limit = min(state.mvm_percent[core] for core in instance.cores)
    core, frames = instance.core, len(instance.cores)
    figures = {name: figure.value for name, figure in board.calibration.figures.items()}
    step = round(figures["step_cycles"])
    costs = pass_cycles(columns_of(core.passes, board.chip), figures, limit)
    acts = list(_acts(core, frames, costs, step, clock))
    units = dict.fromkeys(BUSY[: BUSY.index("move")], 0)
    start = cycles_to_ticks(max(0, int(board.chip.start_cycles) - step), clock)
    units["start"] = start
    for act in acts:
        if act.kind in (Kind.WORK, Kind.DRAINED):
            units[act.unit] += act.ticks - act.amount
            units["throttled"] += act.amount
    fetched = sum(act.amount for act in acts if act.kind is Kind.FETCH)
    return Schedule(tuple(_stretches(acts if trace else _merged(acts))), start, clock, units, fetched)


def _acts(
    core: CoreProgram,
    frames: int,
    costs: PassCycles,
    step: int,
    clock: int,
) -> Iterator[Act]:
    run, throttled = (
        [cycles_to_ticks(int(cycles), clock) for cycles in cycles_of]
        for cycles_of in (costs.run, costs.throttled)
    )
    load = [cycles_to_ticks(one.load_cycles, clock) for one in core.passes]
    busiest = [BUSY[one] for one in costs.busiest]
    rate = int(PROGRAMS.dma_rate)
    control = cycles_to_ticks(step, clock)
    for action in chain.from_iterable(one.actions for one in core.steps):
        index = action.index
        if action.verb == "load":
            if load[index]:
                yield Act(Kind.WORK, load[index], index, unit="load")
        elif action.verb == "run":
            yield Act(Kind.WORK, run[index], index, throttled[index], unit=busiest[index])
        elif action.verb == "drained":
            yield Act(Kind.DRAINED, control, index, unit="control")
        elif action.verb == "await":
            yield Act(Kind.AWAIT, number=index)
        else:
            transfer = core.transfers[index]
            channel = int(transfer.target != "l1")
            if "ddr" in transfer.route:
                # Each core fetches for itself, weights too.
                yield Act(Kind.FETCH, 0, index, frames * transfer.size, channel)
            else:
                ticks = cycles_to_ticks(-(-transfer.size // rate), clock)
                yield Act(Kind.MOVE, ticks, index, transfer.size, channel)


def _merged(acts: Iterable[Act]) -> Iterator[Act]:
    """Put what the matrix path does in a row together; the time is the same."""
    busy = 0
    for act in acts:
        if act.kind is Kind.WORK:
            busy += act.ticks
            continue
        if busy:
            yield Act(Kind.WORK, busy, unit=UNITS[0])
            busy = 0
        yield act
    if busy:
        yield Act(Kind.WORK, busy, unit=UNITS[0])


def _stretches(acts: Iterable[Act]) -> Iterator[Stretch]:
    alone: list[Act] = []
    fetched: set[int] = set()
    for act in acts:
        if act.kind is Kind.FETCH:
            fetched.add(act.number)
        elif act.kind is not Kind.AWAIT or act.number not in fetched:
            alone.append(act)
            continue
        yield Stretch(tuple(alone), act)
        alone = []
    yield Stretch(tuple(alone), None)
