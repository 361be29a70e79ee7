"""How does throughput grow with cores?"""

from __future__ import annotations

from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardSetup, NetworkSetup
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._loops import saturated
from axemu.studies.questions._words import band_of, stamp_of


@question
def cores(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    clock: option.Clock = 800,
    mvm_utilisation: option.Limit = 100.0,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
) -> Answer:
    """How does throughput grow with the cores of a board?"""
    setup = BoardSetup(board, 1, clock, mvm_utilisation)
    found = [
        saturated(NetworkSetup(model, cores=many, double_buffer=double_buffer), board=setup, host=host)
        for many in (1, 2, 3, 4)
    ]
    rows: list[Row] = [
        {
            "cores": many,
            "FPS": one.fps,
            "low": one.at_slow_end.fps,
            "times one": one.fps / found[0].fps,
            "p99 ms": one.p99,
            "executed ms": one.networks[0].executed,
            "DDR %": 100 * one.units["board0.ddr"],
            "link %": 100 * one.units["board0.link"],
            "bound by": one.bound_by.partition(": ")[2],
        }
        for many, one in zip((1, 2, 3, 4), found, strict=True)
    ]
    last, before = found[3], found[2]
    gain = last.fps / before.fps - 1
    worth = (
        "the fourth core pays"
        if gain > 0.2
        else "the fourth core adds little"
        if gain > 0.05
        else "three cores are enough"
    )
    answer = (
        f"{model} on {board}: {found[0].fps:.0f} frames/s with one core, {last.fps:.0f} with four "
        f"({last.fps / found[0].fps:.2f} times); {worth} ({gain:+.0%})."
    )
    slower = last.networks[0].executed / found[0].networks[0].executed - 1
    why = (
        (
            f"Beside three others an execution takes {slower:.0%} longer than alone: they share the DDR, "
            f"{last.units['board0.ddr']:.0%} busy. {band_of(last)} (low)."
        ),
    )
    charts = (Chart("Throughput by cores", "cores", "FPS"),)
    return Answer(answer, rows, why, stamp_of(last), charts)
