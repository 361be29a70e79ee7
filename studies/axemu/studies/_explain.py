"""Why is it as fast as it is: operator by operator, byte by byte, and what a change would bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from axemu.chip import PARAMETERS, BoardFigures, Calibration, Provenance
from axemu.emulator.metis import Board, bound_of, peak_macs_per_cycle, task_cycles
from axemu.studies._analytic import evaluate_on, table_of
from axemu.studies._measured import Case
from axemu.studies._predict import predict
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target

STEP = 0.1
"""How far each figure is moved for the sensitivities."""

BOARD_FIGURES = ("memory_bandwidth", "link_bandwidth", "link_joint_bandwidth")
HOST_FIGURES = ("launch", "gap")


@dataclass(frozen=True, slots=True)
class Row:
    """One task: time in µs on one core with the DDR to itself, bytes by level, and what bounds it.

    `intensity` is multiply-accumulates per byte of DDR traffic (of all bytes touched where DDR is not), `roof` the
    rate in MAC/s that array, MVM limit and DDR allow, `achieved` the rate the model predicts.
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


def explain(scenario: Scenario, target: Target | None = None) -> Explanation:
    """Predict and explain.

    Raises:
        AxeleraError: the model cannot be found, read, or run on the board as asked.
    """
    target = target or load_target(scenario.model, scenario.compiled_cores)
    prediction = predict(scenario, target)
    board = scenario.machine_boards()[0]
    return Explanation(prediction, tuple(layer_rows(scenario, target, board)), sensitivity(scenario, target))


def layer_rows(scenario: Scenario, target: Target, board: Board) -> list[Row]:
    """Return the per-task table of one core."""
    clock = scenario.clock_mhz
    bandwidth = float(board.figures.memory_bandwidth)
    peak = peak_macs_per_cycle(board.chip) * scenario.mvm_percent / 100
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
                bound_by=bound_of(parts) if time else "nothing",
                intensity=intensity,
                roof=roof,
                achieved=task.macs / time * 1e6 if time else 0.0,
            )
        )
    return rows


def sensitivity(scenario: Scenario, target: Target) -> dict[str, tuple[float, float]]:
    """Return the relative change of host FPS when each figure is 10 % smaller and larger.

    By the closed form that the fit uses: instances that meet at the DDR fall in and out of step with any change, and
    what that does to their simulated rate (about 1 %, either way) would hide the effect of a small figure.
    """
    case = Case(
        target.name,
        "",
        scenario.board,
        "host",
        fps=0.0,
        compiled_cores=target.batch,
        cores=scenario.cores,
        double_buffer=scenario.double_buffer,
        mvm_percent=scenario.mvm_percent,
        clock_mhz=scenario.clock_mhz,
    )
    table = table_of([case], {(case.model, case.compiled_cores): target})
    boards = scenario.machine_boards()
    share = len(boards) if boards[0].upstream_group else 1

    def rate(board: Board) -> float:
        values = {name: figure.value for name, figure in board.calibration.figures.items()}
        return float(evaluate_on(table, values, [_alone(board.figures, share)], board.host)[0])

    base = rate(boards[0])
    return {
        name: (
            rate(_with(boards[0], name, 1 - STEP)) / base - 1,
            rate(_with(boards[0], name, 1 + STEP)) / base - 1,
        )
        for name in (*PARAMETERS, *BOARD_FIGURES, *HOST_FIGURES)
    }


def _alone(figures: BoardFigures, share: int) -> BoardFigures:
    """Return a board with a link as fast as one of `share` boards gets that are all busy."""
    upstream = float(figures.upstream) / share
    if share == 1 or upstream >= float(figures.link_joint_bandwidth):
        return figures
    return replace(
        figures,
        link_joint_bandwidth=figures.link_joint_bandwidth.with_value(
            upstream, "its share", Provenance.DERIVED
        ),
    )


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
