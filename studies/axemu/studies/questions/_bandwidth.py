"""What would more memory bandwidth buy?"""

from __future__ import annotations

from dataclasses import replace

from axemu.chip import TICKS_PER_SECOND, Figure, Provenance
from axemu.emulator.metis import MODEL_VERSION, bound_of
from axemu.pages import Chart, Row
from axemu.studies._predict import call_parts, make_instances
from axemu.studies._scenario import Scenario, weakest_of
from axemu.studies._steady import run_loops
from axemu.studies._target import load_target
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question

FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0)


@question
def bandwidth(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    cores: option.Cores = 4,
    clock: option.Clock = 800,
    host: option.Host = None,
) -> Answer:
    """Is a network bound by DDR or by computing, and what would more bandwidth buy?"""
    scenario = Scenario(model, board=board, cores=cores, clock=clock, host=host)
    sold = scenario.machine_boards()[0]
    figures = sold.figures
    target = load_target(model)
    instances = make_instances(scenario, target, 1)
    rows: list[Row] = []
    for factor in FACTORS:
        trial = replace(
            sold,
            figures=replace(
                figures,
                memory_bandwidth=scaled(figures.memory_bandwidth, factor),
                core_bandwidth=scaled(figures.core_bandwidth, max(1.0, factor)),
            ),
        )
        loops = run_loops((trial,), scenario.state(), instances, seconds=30.0)
        parts = call_parts(trial, loops, target.input_bytes + target.output_bytes)
        rows.append(
            {
                "times": factor,
                "GB/s": float(trial.figures.memory_bandwidth) / 1e9,
                "FPS": sum(target.batch * TICKS_PER_SECOND / ticks for ticks in loops.period),
                "DDR busy %": 100 * loops.busy["board0.ddr"],
                "waits for DDR %": 100 * parts["ddr"] / sum(parts.values()),
                "bound by": bound_of(parts),
            }
        )
    plain = rows[FACTORS.index(1.0)]
    most = rows[-1]
    gain = most["FPS"] / plain["FPS"] - 1
    half = rows[FACTORS.index(1.5)]["FPS"] / plain["FPS"] - 1
    bound = "bound by DDR" if gain > 0.15 else "hardly held up by DDR" if gain > 0.03 else "not bound by DDR"
    answer = (
        f"{model} on {cores} cores of {board} is {bound}: {plain['FPS']:.0f} frames/s, {half:+.0%} with half as much bandwidth again, "
        f"{gain:+.0%} with four times as much."
    )
    why = (
        (
            f"Calls wait for DDR {plain['waits for DDR %']:.0f} % of the time; with four times the bandwidth they are bound by "
            f"{most['bound by']}. A core alone is taken to fetch faster in proportion. `axemu explain {model}` tells which operators fetch."
        ),
    )
    stamp = (
        f"simulated: model {MODEL_VERSION}, calibration {trial.calibration.identity}, host {trial.host.title}, "
        f"rests on {weakest_of(trial)[0]} figures"
    )
    return Answer(answer, rows, why, stamp, (Chart("Throughput by bandwidth", "GB/s", "FPS"),))


def scaled(figure: Figure, factor: float) -> Figure:
    """Return a figure times a factor, which makes it an assumption."""
    return figure.with_value(figure.value * factor, "a study", Provenance.ASSUMED)
