"""One more camera, one more stage, one stage faster?"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Annotated

from axemu.driver import InvalidArgument
from axemu.pages import Chart, Row
from axemu.studies.deployments import (
    BoardSetup,
    Branch,
    Deployment,
    HostSetup,
    NetworkSetup,
    Stream,
    evaluate,
    keys_of,
    services,
)
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import ms, stamp_of


@question
def more(
    model: option.Model = "yolov8s",
    *,
    stage: Annotated[str, "The network of one more stage."] = "resnet18",
    faster: Annotated[float, "How many times as fast the faster stage executes."] = 1.5,
    cameras: Annotated[int, "Cameras that there are."] = 8,
    fps: option.Fps = 30.0,
    latency: option.Latency = 50.0,
    board: option.Board = "m2",
    host: option.Host = None,
) -> Answer:
    """What does one more camera cost, what one more stage, and what does a faster stage gain?"""
    if not 0 < faster < inf:
        raise InvalidArgument(f"faster {faster}: expected how many times as fast, more than 0")
    first = NetworkSetup(model, "first", cores=3, double_buffer=False)
    base = Deployment(
        (first,),
        (Stream("first", "cameras", "camera", cameras, fps),),
        (BoardSetup(board),),
        host=HostSetup(host),
        seconds=5.0,
    )
    second = NetworkSetup(stage, "second", cores=1, double_buffer=False)
    staged = replace(base, networks=(first, second), branches=(Branch("first", "second"),))
    known = services((*keys_of(base), *keys_of(staged)))
    quick = dict(known)
    for key in keys_of(base):
        quick[key] = replace(known[key], executed=tuple(one / faster for one in known[key].executed))
    one_more = replace(base, streams=(replace(base.streams[0], count=cameras + 1),))
    cases = {
        "as it is": (base, known),
        "one more camera": (one_more, known),
        "one more stage": (staged, known),
        f"{faster:g} times as fast": (base, quick),
        "all three": (replace(staged, streams=one_more.streams), quick),
    }
    found = {name: evaluate(deployment, figures, band=True) for name, (deployment, figures) in cases.items()}
    rows: list[Row] = [
        {
            "case": name,
            "FPS": one.fps,
            "p50 ms": one.streams[0].latency.p50,
            "p99 ms": one.p99,
            "p99 if slow": one.at_slow_end.p99,
            "busy %": 100 * max(network.busy for network in one.networks),
            "verdict": one.verdict,
            f"within {latency:g} ms": one.within(latency),
        }
        for name, one in found.items()
    ]
    now = found["as it is"]
    costs = [
        f"{name}: {'OVERLOADED' if one.verdict == 'overloaded' else f'p99 {ms(one.p99)}'}"
        for name, one in found.items()
        if one is not now
    ]
    answer = f"{cameras} cameras with {model} on three cores of {board} have p99 {ms(now.p99)} ({now.verdict}). {'; '.join(costs)}."
    why = (
        (
            f"The three cores of {model} are busy {now.networks[0].busy:.0%} of the time; one more camera adds {1 / cameras:.0%} to that. "
            "Waiting grows without bound as it nears 100 %, so that a faster stage gains most where little is left. "
            f"One more stage ({stage}, on the fourth core) adds its own call, and fetches beside the others."
        ),
    )
    charts = (Chart("99th percentile of latency", "case", "p99 ms", mark="bar", limit=latency),)
    return Answer(answer, rows, why, stamp_of(now), charts)
