"""Why is it as fast as it is: operator by operator, byte by byte, and what a change would bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from axelera.chip import PARAMETERS, TICKS_PER_SECOND, Calibration, Provenance
from axelera.emulator.metis import Board, task_cycles
from axelera.studies._predict import BOUNDS, make_instances, predict
from axelera.studies._scenario import Prediction, Scenario
from axelera.studies._steady import run_loops
from axelera.studies._target import Target, load_target

STEP = 0.1
"""How far each figure is moved for the sensitivities."""

BOARD_FIGURES = ("memory_bandwidth", "link_bandwidth", "link_joint_bandwidth")
HOST_FIGURES = ("launch", "gap")


@dataclass(frozen=True, slots=True)
class Row:
    """One task: time in µs on one core with the DDR to itself, bytes by level, and what bounds it.

    `intensity` is multiply-accumulates per byte of DDR traffic (of all bytes touched where DDR is not), `roof` the
    rate in MAC/s that the roofline allows, `achieved` the rate the model predicts.
    """

    name: str
    op: str
    time_us: float
    ddr_us: float
    units_us: dict[str, float]
    macs: int
    weight_bytes: int
    l1_bytes: int
    l2_bytes: int
    ddr_bytes: int
    bound_by: str
    intensity: float
    roof: float
    achieved: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A prediction with its reasons. `sensitivities` maps a figure to the change of host FPS at -10 % and +10 %."""

    prediction: Prediction
    rows: tuple[Row, ...]
    sensitivities: dict[str, tuple[float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON-ready values."""
        rows = [{name: getattr(row, name) for name in Row.__slots__} for row in self.rows]
        return {
            "prediction": self.prediction.to_dict(),
            "layers": rows,
            "sensitivities": {name: list(pair) for name, pair in self.sensitivities.items()},
        }


def explain(scenario: Scenario, target: Target | None = None, sensitivities: bool = True) -> Explanation:
    """Predict and explain.

    Raises:
        AxeleraError: the model cannot be found, read, or run on the board as asked.
    """
    target = target or load_target(scenario.model, scenario.compiled_cores)
    prediction = predict(scenario, target)
    board = scenario.machine_boards()[0]
    changes = sensitivity(scenario, target) if sensitivities else {}
    return Explanation(prediction, tuple(layer_rows(scenario, target, board)), changes)


def layer_rows(scenario: Scenario, target: Target, board: Board) -> list[Row]:
    """Return the per-task table of one core."""
    clock = scenario.clock_mhz
    bandwidth = float(board.figures.memory_bandwidth)
    peak = float(board.chip.array_inputs) * float(board.chip.array_outputs) / float(board.chip.vector_cycles)
    rows = []
    for task in target.tasks:
        cost = task_cycles(task, board.chip, board.calibration, scenario.mvm_percent)
        units = {name: cycles / clock for name, cycles in cost._asdict().items() if cycles}
        ddr = target.batch * (task.ddr_read_bytes + task.ddr_write_bytes) + task.weight_ddr_bytes
        ddr_us = ddr / bandwidth * 1e6
        if task.weight_ddr_bytes:
            # Setting up goes on while weights are streamed.
            units["overhead"] = max(0.0, units.get("overhead", 0.0) - ddr_us)
        time = sum(units.values()) + ddr_us
        parts = {**units, "ddr": ddr_us}
        outside = task.move_bytes + task.io_bytes
        touched = task.input_bytes + task.output_bytes + task.weight_bytes + task.weight_ddr_bytes
        level = ddr or touched
        intensity = task.macs / level if level else 0.0
        roof = min(peak * clock * 1e6, intensity * bandwidth) if ddr else peak * clock * 1e6
        rows.append(
            Row(
                name=task.name,
                op=task.op,
                time_us=time,
                ddr_us=ddr_us,
                units_us=units,
                macs=task.macs,
                weight_bytes=task.weight_bytes + task.weight_ddr_bytes,
                l1_bytes=max(0, task.input_bytes + task.output_bytes - outside),
                l2_bytes=max(0, outside - task.ddr_read_bytes - task.ddr_write_bytes),
                ddr_bytes=ddr,
                bound_by=BOUNDS[max(parts, key=parts.__getitem__)] if time else "nothing",
                intensity=intensity,
                roof=roof,
                achieved=task.macs / time * 1e6 if time else 0.0,
            )
        )
    return rows


def sensitivity(scenario: Scenario, target: Target) -> dict[str, tuple[float, float]]:
    """Return the relative change of host FPS when each figure is 10 % smaller and larger."""
    boards = scenario.machine_boards()
    base = _host_rate(scenario, target, boards)
    result = {}
    for name in (*PARAMETERS, *BOARD_FIGURES, *HOST_FIGURES):
        changed = [_with(boards[0], name, 1 + sign * STEP) for sign in (-1, 1)]
        rates = [_host_rate(scenario, target, (board,) * len(boards)) for board in changed]
        result[name] = (rates[0] / base - 1, rates[1] / base - 1)
    return result


def _host_rate(scenario: Scenario, target: Target, boards: tuple[Board, ...]) -> float:
    instances = make_instances(scenario, target, len(boards))
    loops = run_loops(boards, scenario.state(), instances, scenario.seconds)
    return sum(target.batch * TICKS_PER_SECOND / call for call in loops.call)


def _with(board: Board, name: str, factor: float) -> Board:
    why = f"what if {name} were {factor:.0%}"
    if name in PARAMETERS:
        figures = dict(board.calibration.figures)
        figures[name] = figures[name].with_value(figures[name].value * factor, why, Provenance.ASSUMED)
        calibration: Calibration = replace(board.calibration, figures=figures)
        return replace(board, calibration=calibration)
    if name in BOARD_FIGURES:
        old = getattr(board.figures, name)
        changed = old.with_value(old.value * factor, why, Provenance.ASSUMED)
        return replace(board, figures=replace(board.figures, **{name: changed}))
    old = getattr(board.host, name)
    changed = old.with_value(old.value * factor, why, Provenance.ASSUMED)
    return replace(board, host=replace(board.host, **{name: changed}))
