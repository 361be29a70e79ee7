"""How fast is a cascade?"""

from __future__ import annotations

from typing import Annotated

from axemu.pages import Chart, Row
from axemu.studies.deployments import (
    BoardSetup,
    Branch,
    Deployment,
    Distribution,
    HostSetup,
    NetworkSetup,
    Stream,
    evaluate,
)
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import ms, stamp_of


@question
def cascade(
    detector: option.First = "yolov8s",
    classifier: option.Second = "resnet18",
    *,
    crops: Annotated[float, "Mean number of crops of a frame."] = 4.0,
    board: option.Board = "m2",
    clock: option.Clock = 800,
    host: option.Host = None,
    pre: Annotated[float, "Host milliseconds to cut a crop."] = 0.5,
    post: Annotated[float, "Host milliseconds to find the boxes of a frame."] = 2.0,
) -> Answer:
    """How many frames per second go through a detector whose crops a classifier looks at?"""

    def with_cores(mine: int, load: float, arrivals: str) -> Deployment:
        return Deployment(
            (
                NetworkSetup(
                    detector, "detector", cores=mine, double_buffer=False, post=Distribution(mean=post)
                ),
                NetworkSetup(
                    classifier, "classifier", cores=4 - mine, double_buffer=False, pre=Distribution(mean=pre)
                ),
            ),
            (
                Stream(
                    "detector",
                    "frames",
                    "loop" if arrivals == "loop" else "camera",
                    16 if arrivals == "loop" else 1,
                    max(1.0, load),
                ),
            ),
            (BoardSetup(board, clock=clock),),
            (Branch("detector", "classifier", Distribution("poisson", crops)),),
            HostSetup(host),
            seconds=5.0,
        )

    rows: list[Row] = []
    answers = {}
    for mine in (1, 2, 3):
        most = evaluate(with_cores(mine, 0.0, "loop"))
        calm = answers[mine] = evaluate(with_cores(mine, 0.7 * most.fps, "camera"))
        rows.append(
            {
                "cores": f"{mine} + {4 - mine}",
                "frames/s": most.fps,
                "crops/s": most.networks[1].fps,
                "detector busy %": 100 * most.networks[0].busy,
                "classifier busy %": 100 * most.networks[1].busy,
                "p50 ms at 70 %": calm.streams[0].latency.p50,
                "p99 ms at 70 %": calm.p99,
            }
        )
    best = max(rows, key=lambda row: row["frames/s"])
    answer = (
        f"{best['frames/s']:.0f} frames/s with {crops:g} crops each, {best['cores']} cores for {detector} + {classifier} on {board}; "
        f"at 70 % of that the last crop is back after {best['p99 ms at 70 %']:.1f} ms (p99)."
    )
    other = "detector" if best["detector busy %"] > best["classifier busy %"] else "classifier"
    lone = answers[1].streams[0].latency.p50
    why = (
        (
            f"The {other} is what is short with this split. A frame is done when the slowest of its crops is; their number varies (Poisson), so "
            f"that p99 is far from p50 ({ms(lone)} with 1 + 3). Crops can go on while the next frame is looked at."
        ),
    )
    charts = (Chart("Frames per second by split", "cores", "frames/s", mark="bar"),)
    return Answer(answer, rows, why, stamp_of(answers[1]), charts)
