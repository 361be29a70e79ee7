"""How fast will it be?"""

from __future__ import annotations

import math
from collections.abc import Mapping

from axemu.chip import BOARDS, TICKS_PER_SECOND, Calibration, Provenance, figures_of
from axemu.emulator.metis import (
    MODEL_VERSION,
    Board,
    Call,
    InstanceSpec,
    TaskCycles,
    bound_of,
    cycles_to_ticks,
    seconds_to_ticks,
    simulate,
    task_cycles,
)
from axemu.studies._scenario import Prediction, Scenario, weakest_of
from axemu.studies._steady import Loops, run_loops
from axemu.studies._target import Target, load_target

MICROSECOND = TICKS_PER_SECOND / 1e6


def predict(scenario: Scenario, target: Target | None = None) -> Prediction:
    """Predict the speed of a model; `target` saves loading it again.

    Raises:
        AxeleraError: the model cannot be found, read, or run on the board as asked.
    """
    target = target or load_target(scenario.model, scenario.compiled_cores)
    boards = scenario.machine_boards()
    instances = make_instances(scenario, target, len(boards))
    loops = run_loops(boards, scenario.state(), instances, scenario.seconds, scenario.every_frame)
    calibration = boards[0].calibration
    parts = call_parts(scenario, target, boards[0], loops)
    host = sum(target.batch * TICKS_PER_SECOND / call for call in loops.call)
    provenance, names = weakest_of(boards[0])
    return Prediction(
        model=target.name,
        board=scenario.board,
        host_fps=host,
        device_fps=sum(target.batch * TICKS_PER_SECOND / ticks for ticks in loops.executed),
        system_fps=sum(target.batch * TICKS_PER_SECOND / ticks for ticks in loops.period),
        latency_ms=sum(loops.latency) / len(loops.latency) / MICROSECOND / 1000,
        lone_latency_ms=unloaded_latency(scenario, target, boards[0]) / MICROSECOND / 1000,
        bound_by=bound_of(parts),
        band=band(host, scenario.board, calibration),
        model_version=MODEL_VERSION,
        calibration_id=calibration.identity,
        provenance=provenance,
        weakest_figures=names,
        frames=loops.calls * target.batch,
        extrapolated=loops.extrapolated,
        parts_us=parts,
        busy=dict(loops.busy),
        ddr_bytes_per_frame=ddr_traffic(target) / target.batch,
    )


def make_instances(scenario: Scenario, target: Target, boards: int) -> list[InstanceSpec]:
    """Fill the cores of each board with instances of the target."""
    per_board = scenario.cores // target.batch
    if not per_board:
        from axemu.driver import IncompatibleDevice  # noqa: PLC0415

        raise IncompatibleDevice(
            f"model {target.name} spans {target.batch} cores; {scenario.cores} are too few"
        )
    return [
        InstanceSpec(
            id=board * per_board + number,
            tasks=target.tasks,
            cores=tuple(range(number * target.batch, (number + 1) * target.batch)),
            input_bytes=target.input_bytes,
            output_bytes=target.output_bytes,
            double_buffer=scenario.double_buffer,
            board=board,
        )
        for board in range(boards)
        for number in range(per_board)
    ]


def unloaded_latency(scenario: Scenario, target: Target, board: Board) -> int:
    """Return the ticks of a single call without double buffering on an idle board."""
    spec = InstanceSpec(0, target.tasks, tuple(range(target.batch)), target.input_bytes, target.output_bytes)
    only = simulate(board, (scenario.state(),), (spec,), ((Call(0),),)).calls[0][0]
    return only.completion - only.arrival


def ddr_traffic(target: Target) -> int:
    """Return the bytes one call moves through DDR while executing."""
    activations = sum(task.ddr_read_bytes + task.ddr_write_bytes for task in target.tasks)
    return target.batch * activations + sum(task.weight_ddr_bytes for task in target.tasks)


def call_parts(scenario: Scenario, target: Target, board: Board, loops: Loops) -> dict[str, float]:
    """Return where the mean call went, in µs; the parts add up to the mean call."""
    units = dict.fromkeys(TaskCycles._fields, 0)
    for task in target.tasks:
        cost = task_cycles(task, board.chip, board.calibration, scenario.mvm_percent)
        for name, cycles in cost._asdict().items():
            hidden = name == "overhead" and task.weight_ddr_bytes
            units[name] += 0 if hidden else cycles
    parts: dict[str, float] = {
        name: cycles_to_ticks(cycles, scenario.clock_mhz) / MICROSECOND for name, cycles in units.items()
    }
    parts["start"] = cycles_to_ticks(int(board.chip.start_cycles), scenario.clock_mhz) / MICROSECOND
    executed = sum(loops.executed) / len(loops.executed) / MICROSECOND
    call = sum(loops.call) / len(loops.call) / MICROSECOND
    parts["ddr"] = max(0.0, executed - sum(parts.values()))
    parts["host"] = seconds_to_ticks(board.host.launch.value) / MICROSECOND
    parts["link"] = max(0.0, call - executed - parts["host"])
    return parts


def band(fps: float, board: str, calibration: Calibration, key: str = "p80") -> tuple[float, float]:
    """Return the rates between which 80 % of networks lie, by the calibration's residuals.

    A board that was not calibrated, or of which something is assumed, gets the widest residual of those that were,
    doubled.
    """
    residuals: Mapping[str, Mapping[str, float]] = calibration.residuals
    family = "pcie" if board.startswith("pcie") else board
    assumed = any(one.provenance is Provenance.ASSUMED for one in figures_of(BOARDS[board]).values())
    if family in residuals and not assumed:
        spread = residuals[family][key]
    else:
        spread = 2 * max(entry[key] for entry in residuals.values())
    return fps * math.exp(-spread), fps * math.exp(spread)
