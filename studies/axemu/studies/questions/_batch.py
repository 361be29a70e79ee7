"""Which batch should a network be compiled for?"""

from __future__ import annotations

from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardSetup, NetworkSetup
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._loops import saturated
from axemu.studies.questions._words import ms, stamp_of

NAMES = {4: "1 x batch 4", 2: "2 x batch 2", 1: "4 x batch 1"}


@question
def batch(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    clock: option.Clock = 800,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
) -> Answer:
    """Which is faster on four cores: one instance of batch 4, two of batch 2, or four of batch 1?"""
    setup = BoardSetup(board, clock=clock)
    found = {
        size: saturated(
            NetworkSetup(model, compiled_cores=size, double_buffer=double_buffer), board=setup, host=host
        )
        for size in NAMES
    }
    rows: list[Row] = [
        {
            "build": NAMES[size],
            "FPS": one.fps,
            "low": one.at_slow_end.fps,
            "latency ms": one.streams[0].latency.mean,
            "executed ms": one.networks[0].executed,
            "calls/s": one.fps / size,
            "DDR %": 100 * one.units["board0.ddr"],
            "bound by": one.bound_by.partition(": ")[2],
        }
        for size, one in found.items()
    ]
    best = max(found, key=lambda size: found[size].fps)
    others = [size for size in found if size != best]
    second = max(others, key=lambda size: found[size].fps)
    gain = found[best].fps / found[second].fps - 1
    answer = (
        f"{NAMES[best]}: {found[best].fps:.0f} frames/s with {model} on {board}, {gain:.0%} more than {NAMES[second]}"
        + (", less than a prediction can tell." if gain < 0.05 else ".")
    )
    plain = found[1].streams[0].latency.mean
    why = (
        (
            "A batch is launched once for all of its frames, and needs all of them before it begins; instances of batch 1 take frames as "
            f"they come ({ms(plain)} in the loop, batch 4: {ms(found[4].streams[0].latency.mean)}). With one camera a batch of 4 waits for "
            "three more frames."
        ),
    )
    charts = (Chart("Throughput by build", "build", "FPS", mark="bar"),)
    return Answer(answer, rows, why, stamp_of(found[best]), charts)
