"""How fast will it be?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from axemu.chip import BOARDS, CORES, TICKS_PER_SECOND, Calibration, Provenance, figures_of
from axemu.emulator.metis import (
    MODEL_VERSION,
    Activity,
    Board,
    BoardState,
    Call,
    InstanceSpec,
    active_ticks,
    bound_of,
    host_seconds,
    seconds_to_ticks,
    simulate,
)
from axemu.model.passes import totals_of
from axemu.studies._comparable import comparable
from axemu.studies._heat import Heat, Work, heat_of
from axemu.studies._scenario import Prediction, Scenario, weakest_of
from axemu.studies._steady import Loops, run_loops
from axemu.studies._target import Target, instances_of, load_target

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
    parts = call_parts(boards[0], loops, target.input_bytes + target.output_bytes)
    host = sum(target.batch * TICKS_PER_SECOND / call for call in loops.call)
    provenance, names = weakest_of(boards[0])
    unseen = unseen_rules(target, calibration)
    compares_with, published_fps = comparable(scenario, target, boards[0])
    return Prediction(
        model=target.name,
        board=scenario.board,
        host=boards[0].host.title,
        host_fps=host,
        device_fps=sum(target.batch * TICKS_PER_SECOND / ticks for ticks in loops.executed),
        system_fps=sum(target.batch * TICKS_PER_SECOND / ticks for ticks in loops.period),
        latency_ms=sum(loops.latency) / len(loops.latency) / MICROSECOND / 1000,
        lone_latency_ms=unloaded_latency(scenario, target, boards[0]) / MICROSECOND / 1000,
        bound_by=bound_of(parts),
        band=band(host, scenario.board, calibration, unseen=unseen),
        unseen_rules=unseen,
        model_version=MODEL_VERSION,
        calibration_id=calibration.identity,
        provenance=provenance,
        weakest_figures=names,
        frames=loops.calls * target.batch,
        extrapolated=loops.extrapolated,
        parts_us=parts,
        busy=dict(loops.busy),
        ddr_bytes_per_frame=ddr_traffic(target) / target.batch,
        sdk=calibration.sdk,
        comparable=compares_with,
        published_fps=published_fps,
        heat=heat_in(scenario, target, loops) if scenario.heated else None,
    )


def heat_in(scenario: Scenario, target: Target, loops: Loops) -> Heat:
    """Return power and temperature of each board of a scenario; rates of throttled boards are simulated likewise."""
    boards = scenario.machine_boards()
    instances = make_instances(scenario, target, len(boards))

    def working(clock: int, mvm_utilisation: float) -> Work:
        if (clock, mvm_utilisation) == (scenario.clock, scenario.mvm_utilisation):
            return work_of(target, loops, clock, len(boards))
        # Throttling steps through clocks that cannot be configured.
        state = BoardState((clock,) * CORES, (mvm_utilisation,) * CORES)
        throttled = run_loops(boards, state, instances, scenario.seconds)
        return work_of(target, throttled, clock, len(boards))

    return heat_of(
        working,
        scenario.board,
        scenario.clock,
        scenario.mvm_utilisation,
        scenario.ambient,
        scenario.cooling,
        scenario.power_limit,
    )


def work_of(target: Target, loops: Loops, clock: int, boards: int) -> Work:
    """Return what each of `boards` boards does while it runs loops."""
    calls = sum(TICKS_PER_SECOND / ticks for ticks in loops.period) / boards
    active = target.batch * active_ticks(loops.units) / TICKS_PER_SECOND
    macs = target.batch * sum(one.macs for one in target.core.passes if one.units.array)
    moved = ddr_traffic(target) + target.input_bytes + target.output_bytes
    activity = Activity(active * clock * 1e6, macs, moved)
    return Work(calls * target.batch, activity.times(calls))


def make_instances(scenario: Scenario, target: Target, boards: int) -> list[InstanceSpec]:
    """Fill the cores of each board with instances of the target."""
    per_board = scenario.cores // target.batch
    if not per_board:
        from axemu.driver import IncompatibleDevice  # noqa: PLC0415

        raise IncompatibleDevice(
            f"model {target.name} spans {target.batch} cores; {scenario.cores} are too few"
        )
    return instances_of(target, per_board, scenario.double_buffer, boards)


def unloaded_latency(scenario: Scenario, target: Target, board: Board) -> int:
    """Return the ticks of a single call without double buffering on an idle board."""
    spec = InstanceSpec(0, target.core, tuple(range(target.batch)), target.input_bytes, target.output_bytes)
    only = simulate(board, (scenario.state(),), (spec,), ((Call(0),),)).calls[0][0]
    return only.completion - only.arrival


def ddr_traffic(target: Target) -> int:
    """Return the bytes one call moves through DDR while executing, all cores together."""
    routes = totals_of(target.core).routes
    return target.batch * sum(size for route, (size, _) in routes.items() if "ddr" in route)


def call_parts(board: Board, loops: Loops, copied: int) -> dict[str, float]:
    """Return where the mean call, which copies `copied` bytes, went, in µs; the parts add up to the mean call."""
    parts = {unit: ticks / MICROSECOND for unit, ticks in loops.units.items()}
    call = sum(loops.call) / len(loops.call) / MICROSECOND
    executed = sum(parts.values())
    parts["host"] = min(seconds_to_ticks(host_seconds(board.host, copied)) / MICROSECOND, call - executed)
    parts["link"] = call - executed - parts["host"]
    return parts


def band(
    fps: float, board: str, calibration: Calibration, key: str = "p80", unseen: Sequence[str] = ()
) -> tuple[float, float]:
    """Return the rates between which 80 % of networks lie, by residuals of fits that have not seen their family.

    Args:
        fps: the prediction.
        board: name of the board. One that was not calibrated, or of which something is assumed, gets the widest residual of
            those that were, doubled.
        calibration: whose residuals.
        key: which quantile of them.
        unseen: inferred rules that no measured network rests on; with any, the band is twice as wide.
    """
    residuals: Mapping[str, Mapping[str, float]] = calibration.residuals
    family = "pcie" if board.startswith("pcie") else board
    assumed = any(
        one.provenance is Provenance.ASSUMED
        for name, one in figures_of(BOARDS[board]).items()
        if name not in ("memory_floor", "core_bandwidth")
    )
    if family in residuals and not assumed:
        spread = residuals[family][key]
    else:
        spread = 2 * max(entry[key] for entry in residuals.values())
    spread *= 2 if unseen else 1
    return fps * math.exp(-spread), fps * math.exp(spread)


def unseen_rules(target: Target, calibration: Calibration) -> tuple[str, ...]:
    """Return the inferred rules that a model's program rests on and no network of the calibration does."""
    seen = calibration.details.get("rules", ())
    return tuple(code for code in target.core.inferred if code not in seen)
