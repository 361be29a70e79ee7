"""What the machine says about a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axemu.chip import BOARDS, TICKS_PER_SECOND, Calibration
from axemu.emulator.metis import Board, BoardState
from axemu.studies._measured import Case, Key
from axemu.studies._processes import in_processes
from axemu.studies._steady import run_loops
from axemu.studies._target import Target, instances_of


def simulated_rate(case: Case, target: Target, calibration: Calibration, host: str | None = None) -> float:
    """Return the rate of a case in frames per second, by simulation."""
    board = Board(BOARDS[case.board], calibration.host_of(BOARDS[case.board], host), calibration=calibration)
    state = BoardState((case.clock,) * 4, (case.mvm_utilisation,) * 4)
    instances = instances_of(target, case.instances, case.double_buffer)
    loops = run_loops((board,), state, instances, seconds=60)
    ticks = {"host": loops.call, "device": loops.executed, "system": loops.period}[case.metric]
    return sum(target.batch * TICKS_PER_SECOND / each for each in ticks)


def simulated_rates(
    cases: Sequence[Case], targets: Mapping[Key, Target], calibration: Calibration
) -> list[float]:
    """Return the rate of each case in frames per second, by simulation on all cores."""
    return in_processes(simulated_rate, [(case, targets[case.key], calibration) for case in cases])
