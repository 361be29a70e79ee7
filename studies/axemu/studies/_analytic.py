"""A closed-form stand-in for the machine, for fits that need thousands of evaluations.

Each call is replayed once, alone, at the rate that DDR gives a core on average: as many others fetch at the same time as
chance has it. The machine has the last word: fits correct this form by the machine's own result for each case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.chip import BOARDS, HOSTS, METIS, PARAMETERS, PROGRAMS, BoardFigures, HostFigures
from axemu.emulator.metis import PassColumns, columns_of, host_seconds, pass_cycles
from axemu.studies._measured import Case
from axemu.studies._target import Target

Floats = npt.NDArray[np.float64]

VERBS = ("start", "await", "load", "run", "drained")
ROUNDS = 30
TOLERANCE = 1e-4
"""Relative change of the rate at which the mean field is settled."""

Replay = Callable[..., tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Program:
    """A core's program as arrays: actions (verb, index), and transfers (bytes, whether DDR, channel)."""

    actions: npt.NDArray[np.int64]
    sizes: Floats
    remote: npt.NDArray[np.bool_]
    channels: npt.NDArray[np.int64]
    columns: PassColumns


@dataclass(frozen=True, slots=True)
class Table:
    """The programs of all cases, and what the cases need besides."""

    cases: tuple[Case, ...]
    programs: tuple[Program, ...]
    copied: Floats
    """Bytes a call copies over the link, in and out."""
    longest_copy: Floats
    """Bytes of the longer direction."""


def table_of(cases: Sequence[Case], targets: Mapping[Any, Target]) -> Table:
    """Collect the programs of cases; `targets` maps `Case.key` to what is executed."""
    chosen = [targets[case.key] for case in cases]
    programs = {id(target): program_of(target) for target in chosen}
    copied = np.array([target.input_bytes + target.output_bytes for target in chosen], float)
    longest = np.array([max(target.input_bytes, target.output_bytes) for target in chosen], float)
    return Table(tuple(cases), tuple(programs[id(target)] for target in chosen), copied, longest)


def program_of(target: Target) -> Program:
    """Return what a core does as arrays."""
    core = target.core
    actions = [
        (VERBS.index(action.verb), action.index)
        for action in chain.from_iterable(step.actions for step in core.steps)
    ]
    return Program(
        np.array(actions, np.int64).reshape(-1, 2),
        np.array([transfer.size for transfer in core.transfers], float),
        np.array(["ddr" in transfer.route for transfer in core.transfers], bool),
        np.array([transfer.target != "l1" for transfer in core.transfers], np.int64),
        columns_of(core.passes, METIS),
    )


def replay(
    actions: npt.NDArray[np.int64],
    load: Floats,
    run: Floats,
    moves: Floats,
    remote: npt.NDArray[np.bool_],
    channels: npt.NDArray[np.int64],
    step: float,
) -> tuple[float, float]:
    """Return the time of a call on a core, and how long of it the core's transfers from and to DDR take.

    As `axemu.emulator.metis` executes it, every transfer `moves` long; all times in one unit.
    """
    control = path = fetched = 0.0
    free = np.zeros(4)
    ends = np.zeros(moves.shape[0])
    for position in range(actions.shape[0]):
        verb = actions[position, 0]
        index = actions[position, 1]
        if verb == 0:
            channel = channels[index] + 2 * int(remote[index])
            ends[index] = max(control, free[channel]) + moves[index]
            free[channel] = ends[index]
            fetched += moves[index] * remote[index]
        elif verb == 1:
            control = max(control, ends[index])
        elif verb == 2:
            path = max(path, control) + load[index]
        elif verb == 3:
            path = max(path, control) + run[index]
        else:
            control = max(path, control) + step
    return max(control, path), fetched


@cache
def compiled_replay() -> Replay:
    """Return `replay` as machine code, for fits."""
    import numba  # noqa: PLC0415  slow to import

    compile_: Any = numba.njit
    compiled: Replay = compile_(replay)
    return compiled


def evaluate(
    table: Table, parameters: Mapping[str, float], replaying: Replay = replay, host: str = "desktop"
) -> Floats:
    """Return the rate of each case in frames per second."""
    boards = [BOARDS[case.board] for case in table.cases]
    return evaluate_on(table, parameters, boards, HOSTS[host], replaying)


def evaluate_on(
    table: Table,
    parameters: Mapping[str, float],
    boards: Sequence[BoardFigures],
    host: HostFigures,
    replaying: Replay = replay,
) -> Floats:
    """Return the rate of each case in frames per second, each on the board given for it."""
    result = np.zeros(len(table.cases))
    for number, case in enumerate(table.cases):
        result[number] = _rate(table, number, case, boards[number], parameters, host, replaying)
    return result


def _rate(
    table: Table,
    number: int,
    case: Case,
    board: BoardFigures,
    parameters: Mapping[str, float],
    host: HostFigures,
    replaying: Replay,
) -> float:
    program, copied = table.programs[number], table.copied[number]
    clock = case.clock * 1e6
    costs = pass_cycles(program.columns, parameters, case.mvm_utilisation)
    run, load = costs.run / clock, program.columns.load / clock
    step = parameters["step_cycles"] / clock
    local = program.sizes / float(PROGRAMS.dma_rate) / clock
    start = float(METIS.start_cycles) / clock - step
    copies = copied / float(board.link_bandwidth) + 2 * float(host.copy_setup)
    beside = host_seconds(host, int(copied)) + (0.0 if case.double_buffer else copies)
    memory, core = float(board.memory_bandwidth), float(board.core_bandwidth)
    rate, executed = core, 0.0
    for _ in range(ROUNDS):
        moves = np.where(program.remote, program.sizes / rate, local)
        replayed, fetched = replaying(
            program.actions, load, run, moves, program.remote, program.channels, step
        )
        executed = start + replayed
        call = executed + beside
        left = max(float(board.memory_floor) * memory, memory - case.instances * copied / call)
        settled = shared_rate(left, core, case, min(1.0, fetched / call))
        if abs(settled - rate) <= TOLERANCE * rate:
            break
        rate = (rate + settled) / 2
    call = executed + beside
    joint = case.instances * max(
        copied / float(board.link_joint_bandwidth), table.longest_copy[number] / float(board.link_bandwidth)
    )
    call = max(call, joint)
    seen = {"device": executed, "host": call, "system": call + float(host.gap)}[case.metric]
    return float(case.instances * case.compiled_cores / seen)


def shared_rate(memory: float, core: float, case: Case, busy: float) -> float:
    """Return what each core gets of the DDR on average, when each of the other instances fetches for `busy` of the time."""
    others, cores = case.instances - 1, case.compiled_cores
    return sum(
        comb(others, many)
        * busy**many
        * (1 - busy) ** (others - many)
        * min(core, memory / cores / (many + 1))
        for many in range(others + 1)
    )


def parameters_of(vector: Floats) -> dict[str, float]:
    """Name the values of a parameter vector."""
    return dict(zip(PARAMETERS, (float(value) for value in vector), strict=True))
