"""How many cameras can boards take?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from axemu.pages import Chart, Row
from axemu.studies.deployments import (
    Arrivals,
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
from axemu.studies.questions._words import band_of, ms, stamp_of


@question
def cameras(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    boards: option.Boards = 1,
    fps: option.Fps = 30.0,
    latency: option.Latency = 50.0,
    cores: option.Cores = 4,
    clock: option.Clock = 800,
    mvm_utilisation: option.Limit = 100.0,
    host: option.Host = None,
    seconds: Annotated[float, "Virtual seconds for each number of cameras."] = 5.0,
) -> Answer:
    """How many cameras at F frames per second can boards take within L ms?"""

    def with_cameras(many: int, double_buffer: bool, arrivals: Arrivals = "camera") -> Deployment:
        return Deployment(
            networks=(NetworkSetup(model, "network", cores=cores, double_buffer=double_buffer),),
            streams=(Stream("network", "cameras", arrivals, many, fps),),
            boards=(BoardSetup(board, boards, clock, mvm_utilisation),),
            host=HostSetup(host),
            seconds=seconds,
        )

    found: dict[tuple[bool, int], Evaluation] = {}

    def asked(many: int, double_buffer: bool) -> Evaluation:
        if (double_buffer, many) not in found:
            found[double_buffer, many] = evaluate(with_cameras(many, double_buffer), band=True)
        return found[double_buffer, many]

    best: dict[bool, int] = {}
    for double_buffer in (True, False):
        capacity = evaluate(with_cameras(0, double_buffer, "loop")).fps
        most = max(2, int(1.1 * capacity / fps) + 1)
        best[double_buffer] = largest(lambda many: asked(many, double_buffer).within(latency), most)  # noqa: B023  used at once
    choice = best[True] > best[False]
    many = best[choice]
    chosen = found[choice, max(1, many)]
    sure = largest(lambda one: asked(one, choice).at_slow_end.within(latency), many) if many else 0
    rows: list[Row] = [
        {
            "double buffer": double_buffer,
            "cameras": many,
            "offered FPS": one.streams[0].offered_fps,
            "FPS": one.fps,
            "p50 ms": one.streams[0].latency.p50,
            "p99 ms": one.p99,
            "p99 if slow": one.at_slow_end.p99,
            "busy %": 100 * one.networks[0].busy,
            "verdict": one.verdict,
        }
        for (double_buffer, many), one in sorted(found.items(), key=lambda item: (not item[0][0], item[0][1]))
    ]
    where = f"{boards} x {board}" if boards > 1 else board
    how = "with" if choice else "without"
    answer = (
        f"{many} cameras of {fps:g} frames/s with {model} on {where} within {latency:g} ms, {how} double buffering "
        f"(p99 {ms(chosen.p99)}); {sure} if executions take as long as the band allows."
        if many
        else f"None: one camera of {fps:g} frames/s with {model} on {where} is not answered within {latency:g} ms "
        f"(p99 {ms(chosen.p99)}, {chosen.verdict})."
    )
    few = found[True, 1]
    instances, capacity = chosen.networks[0].instances, chosen.networks[0].capacity_fps
    why = (
        (
            f"Bound by {chosen.bound_by}; {instances} instances, {1000 * instances / capacity:.2f} ms a frame each. "
            f"{band_of(chosen)}."
        ),
        (
            "Double buffering: a call returns the result of the call two before, so that few cameras wait for later "
            f"frames (one camera: p99 {ms(few.p99)}, without: {ms(found[False, 1].p99)}). "
            "It pays where copies are what is short."
        ),
    )
    return Answer(
        answer,
        rows,
        why,
        stamp_of(chosen),
        (Chart("Latency by number of cameras", "cameras", "p99 ms", "double buffer", limit=latency),),
    )


def largest(keeps: Callable[[int], bool], most: int) -> int:
    """Return the largest number that passes, 0 if none does; few as well as many may fail."""
    step = max(1, most // 8)
    passed: list[int] = [many for many in sorted({1, 2, *range(step, most + 1, step), most}) if keeps(many)]
    if not passed:
        return 0
    low, high = passed[-1], min(most, passed[-1] + step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low
