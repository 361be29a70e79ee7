"""Why is it as fast as it is: operator by operator, byte by byte, and what a change would bring."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from axemu.chip import METIS, PARAMETERS, BoardFigures, Calibration, Provenance
from axemu.emulator.metis import Board, Call, InstanceSpec, Machine, Span, bound_of, peak_macs_per_cycle
from axemu.model.passes import CoreProgram, Pass, Transfer
from axemu.studies._analytic import compiled_replay, evaluate_on, replay, table_of
from axemu.studies._measured import Case
from axemu.studies._predict import MICROSECOND, predict
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target

STEP = 0.1
"""How far each figure is moved for the sensitivities."""

WORD = int(METIS.channel_granularity)
MANY = 2000
"""Actions of a program above which it pays to compile its replay."""

BOARD_FIGURES = ("memory_bandwidth", "core_bandwidth", "link_bandwidth", "link_joint_bandwidth")
HOST_FIGURES = ("launch", "copy", "gap")


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: time in µs on one core with the DDR to itself, bytes by level, and what bounds it.

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
    """Return the table of one core that has the board to itself, layer by layer, as a trace of a lone call has it."""
    spec = InstanceSpec(0, target.core, tuple(range(target.batch)), target.input_bytes, target.output_bytes)
    machine = Machine(board, (scenario.state(),), (spec,), trace=True)
    machine.submit(Call(0), 0)
    machine.run()
    rows: dict[str, _Layer] = {}
    readers = _readers(target.core)
    core = "board0.core0"
    for span in machine.spans:
        if span.track == core and span.kind != "start":
            layer = span.name
            if span.kind in ("move", "ddr"):
                layer = readers[span.number]
            rows.setdefault(layer, _Layer(layer)).spend(span)
    for one in target.core.passes:
        rows.setdefault(one.layer, _Layer(one.layer)).add_pass(one)
    for number, transfer in enumerate(target.core.transfers):
        rows.setdefault(name := readers[number], _Layer(name)).add_transfer(transfer)
    return [layer.row(*roofs(scenario)) for layer in rows.values()]


def roofs(scenario: Scenario) -> tuple[float, float]:
    """Return what bounds a core: MAC/s of its array with the MVM limit, bytes/s from DDR."""
    board = scenario.machine_boards()[0]
    peak = peak_macs_per_cycle(board.chip) * scenario.mvm_utilisation / 100 * scenario.clock * 1e6
    return peak, float(board.figures.core_bandwidth)


def _readers(core: CoreProgram) -> dict[int, str]:
    """Return, by transfer, the layer it belongs to: that of weights, else that of the pass in flight or next."""
    layers: dict[int, str] = {}
    known = {one.layer for one in core.passes}
    waiting: list[int] = []
    last = ""
    for action in chain.from_iterable(step.actions for step in core.steps):
        if action.verb == "run":
            last = core.passes[action.index].layer
            layers.update(dict.fromkeys(waiting, last))
            waiting = []
        elif action.verb == "start":
            transfer = core.transfers[action.index]
            if transfer.what in known and "const" in transfer.source:
                layers[action.index] = transfer.what
            elif transfer.source == "l1" and last:
                layers[action.index] = last
            else:
                waiting.append(action.index)
    layers.update(dict.fromkeys(waiting, last))
    return layers


@dataclass(slots=True)
class _Layer:
    """What a layer adds up to."""

    name: str
    role: str = ""
    units: dict[str, float] = field(default_factory=dict)
    macs: int = 0
    weights: int = 0
    l1: int = 0
    l2: int = 0
    ddr: int = 0

    def spend(self, span: Span) -> None:
        """Count the time of a slice of a trace."""
        self.units[span.kind] = self.units.get(span.kind, 0.0) + (span.end - span.start) / MICROSECOND

    def add_pass(self, one: Pass) -> None:
        """Count a pass."""
        self.role = self.role or one.role
        self.macs += one.macs
        self.weights += one.weight_bytes
        self.l1 += WORD * (one.units.feed + one.units.second + one.units.drain)

    def add_transfer(self, transfer: Transfer) -> None:
        """Count a transfer."""
        if "ddr" in transfer.route:
            self.ddr += transfer.size
        else:
            self.l2 += transfer.size

    def row(self, peak: float, bandwidth: float) -> Row:
        """Return the row of the table."""
        time = sum(self.units.values())
        level = self.ddr or self.l1 + self.l2
        intensity = self.macs / level if level else 0.0
        return Row(
            name=self.name,
            op=self.role,
            time_us=time,
            ddr_us=self.units.get("ddr", 0.0),
            units_us=dict(self.units),
            macs=self.macs,
            weight_bytes=self.weights,
            l1_bytes=self.l1,
            l2_bytes=self.l2,
            ddr_bytes=self.ddr,
            bound_by=bound_of(self.units) if time else "nothing",
            intensity=intensity,
            roof=min(peak, intensity * bandwidth) if self.ddr else peak,
            achieved=self.macs / time * 1e6 if time else 0.0,
        )


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
        mvm_utilisation=scenario.mvm_utilisation,
        clock=scenario.clock,
    )
    table = table_of([case], {case.key: target})
    replaying = compiled_replay() if len(table.programs[0].actions) > MANY else replay
    boards = scenario.machine_boards()
    share = len(boards) if boards[0].upstream_group else 1

    def rate(board: Board) -> float:
        values = {name: figure.value for name, figure in board.calibration.figures.items()}
        return float(evaluate_on(table, values, [_alone(board.figures, share)], board.host, replaying)[0])

    base = rate(boards[0])
    return {
        name: (
            rate(_with(boards[0], name, 1 - STEP)) / base - 1,
            rate(_with(boards[0], name, 1 + STEP)) / base - 1,
        )
        for name in (*PARAMETERS, *BOARD_FIGURES, *HOST_FIGURES)
    }


def _alone(figures: BoardFigures, share: int) -> BoardFigures:
    """Return a board with the part of the link that one of `share` boards behind one upstream gets when all are busy."""
    one_way, joint = (
        figure.with_value(figure.value / share, "its share", Provenance.DERIVED)
        for figure in (figures.link_bandwidth, figures.link_joint_bandwidth)
    )
    return replace(figures, link_bandwidth=one_way, link_joint_bandwidth=joint)


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
