"""What one call of an instance costs its cores, worked out once per state of a board."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.emulator.metis._cost import (
    Part,
    Phase,
    TaskCycles,
    cycles_to_ticks,
    phases,
    task_cycles,
    unit_parts,
)
from axemu.emulator.metis._spec import Board, BoardState, InstanceSpec


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one call of an instance costs under one board state.

    For a trace each task is a phase and `parts` says what the units do in its cycles.
    """

    phases: tuple[Phase, ...]
    start: int
    clock: int
    unit_ticks: dict[str, int]
    parts: tuple[tuple[Part, ...], ...]


def schedule(instance: InstanceSpec, board: Board, state: BoardState, trace: bool) -> Schedule:
    """Return the phases of a call of `instance`, its clock (MHz) and what each unit does, in ticks."""
    # Cores in lockstep go at the pace of the slowest.
    clock = min(state.clock_mhz[core] for core in instance.cores)
    limit = min(state.mvm_percent[core] for core in instance.cores)
    laid = phases(instance.tasks, board.chip, board.calibration, len(instance.cores), limit, merge=not trace)
    start = cycles_to_ticks(int(board.chip.start_cycles), clock)
    units: dict[str, int] = dict.fromkeys(TaskCycles._fields, 0)
    parts = []
    for task in instance.tasks:
        cost = task_cycles(task, board.chip, board.calibration, limit)
        for name, cycles in cost._asdict().items():
            units[name] += cycles_to_ticks(cycles, clock)
        if trace:
            # What is set up while weights are streamed is not done afterwards.
            after = cost._replace(overhead=0) if task.weight_ddr_bytes else cost
            parts.append(unit_parts(after, clock))
    units["start"] = start
    return Schedule(laid, start, clock, units, tuple(parts))
