"""Which networks fit together?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from axemu.chip import BOARDS, CORES
from axemu.pages import Chart, Row
from axemu.studies._target import load_target
from axemu.studies.deployments import (
    BoardSetup,
    Deployment,
    Evaluation,
    HostSetup,
    NetworkSetup,
    Stream,
    evaluate,
)
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import stamp_of

TEN = (
    "yolov8n", "yolov8s", "resnet18", "resnet50", "squeezenet1_1", "mobilenet_v2", "efficientnet_b0", "regnet_x_400mf",
    "resnet10t", "yolo11n",
)  # fmt: skip


@question
def together(
    models: Annotated[
        list[str] | None, "Networks, the ones wanted most first; ten of the zoo if none are given."
    ] = None,
    *,
    board: option.Board = "m2",
    fps: Annotated[float, "Frames per second that each of them gets."] = 60.0,
    latency: option.Latency = 100.0,
    clock: option.Clock = 800,
    host: option.Host = None,
) -> Answer:
    """Which of my networks fit together on a board, each with its frames per second within L ms?"""
    names = list(models or TEN)
    memory = float(BOARDS[BoardSetup(board).board].memory)
    taken: list[str] = []
    used = 0.0
    rows: list[Row] = []
    answer: Evaluation | None = None
    for name in names:
        pools = load_target(name).core.pools
        bytes_ = sum(size for pool, size in pools.items() if "ddr" in pool)
        tried = evaluate(packed([*taken, name], board, clock, fps, host), band=True)
        fits = tried.within(latency) and used + bytes_ <= memory
        if fits:
            taken.append(name)
            used += bytes_
            answer = tried
        rows.append(
            {
                "network": name,
                "fits": fits,
                "in DDR MB": bytes_ / 1e6,
                "p99 ms": tried.p99,
                "p99 if slow": tried.at_slow_end.p99,
                "cores busy %": 100
                * sum(part for unit, part in tried.units.items() if ".core" in unit)
                / CORES,
                "DDR %": 100 * tried.units["board0.ddr"],
                "verdict": tried.verdict,
            }
        )
    left = [name for name in names if name not in taken]
    said = (
        f"{len(taken)} of {len(names)} fit together on {board} with {fps:g} frames/s each within {latency:g} ms: {', '.join(taken) or 'none'}"
        + (f". Not: {', '.join(left)}." if left else ".")
    )
    why = (
        (
            "Taken in the order given; each row is the board with all that fit before it. Every network may use all four cores, where calls "
            "take turns; two networks on a core must be compiled for a smaller part of L2 (`resources_used`), whose cost is not in these "
            f"figures. Constants and maps in DDR take {used / 1e6:.0f} of {memory / 1e6:.0f} MB."
        ),
    )
    charts = (Chart("Cores busy as networks are added", "network", "cores busy %", mark="bar"),)
    return Answer(said, rows, why, stamp_of(answer or tried), charts)


def packed(models: Sequence[str], board: str, clock: int, fps: float, host: str | None) -> Deployment:
    """Return networks that share all cores, each with a camera."""
    return Deployment(
        tuple(NetworkSetup(one, first_core=0, double_buffer=False) for one in models),
        tuple(Stream(one, fps=fps, phase="random") for one in models),
        (BoardSetup(board, clock=clock),),
        host=HostSetup(host),
        seconds=5.0,
    )
