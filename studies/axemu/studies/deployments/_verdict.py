"""Whether a deployment keeps up, and what stops it if it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axemu.emulator.metis import bound_of as bound_of_call
from axemu.studies.deployments._result import BoardResult, NetworkResult, StreamResult, Verdict
from axemu.studies.deployments._spec import Deployment

NO_RESERVE = 0.98
"""Instances or host threads that are busier, or would be with all frames that arrive, cannot work off what has piled up."""
GROWTH = 0.005
"""A backlog that grows by a larger part of the arriving frames is no fluctuation."""
FLUCTUATION = 6
"""Nor one that grows by more frames than this for each camera or instance."""
DROPPED = 0.01


def verdict_of(
    deployment: Deployment,
    streams: Sequence[StreamResult],
    networks: Sequence[NetworkResult],
    units: Mapping[str, float],
) -> Verdict:
    """Judge.

    `overloaded`: more frames arrive than come back: a backlog grows, or more than one in a hundred is dropped.
    `at its limit`: frames are dropped, or whoever takes frames that arrive by themselves has no reserve.
    Loops wait for results, and may keep everything busy.
    """
    open_ = [
        result
        for stream, result in zip(deployment.streams, streams, strict=True)
        if stream.arrivals != "loop"
    ]
    slack = FLUCTUATION * max([1, *(one.instances for one in networks)])
    for result in streams:
        missing = result.dropped + result.incomplete
        grows = result in open_ and result.backlog_growth > max(GROWTH * result.frames, slack)
        stuck = result.frames > 0 and result.unfinished == result.frames
        if missing > DROPPED * result.frames or grows or stuck or (result.fps == 0 and result.frames):
            return "overloaded"
    if any(result.dropped or result.incomplete for result in streams):
        return "at its limit"
    fed = fed_by_arrivals(deployment)
    # In a short time a backlog stays below `slack`: what came back, at how busy, tells what all frames would take.
    busy = [one.busy * _share(one.offered_fps, one.fps) for one in networks if one.name in fed]
    arrived, returned = sum(one.offered_fps for one in open_), sum(one.fps for one in open_)
    busy.append(units.get("host.threads", 0.0) * _share(arrived, returned))
    if open_ and max(busy) >= NO_RESERVE:
        return "at its limit"
    return "healthy"


def _share(offered: float, done: float) -> float:
    """Return how many times as many arrive as are done, at least 1."""
    return max(1.0, offered / done) if done else 1.0


def fed_by_arrivals(deployment: Deployment) -> set[str]:
    """Return the networks that get frames from streams which are no loops, directly or by branches."""
    fed = {one.network for one in deployment.streams if one.arrivals != "loop"}
    for _ in deployment.networks:
        fed |= {one.network for one in deployment.branches if one.after in fed}
    return fed


def headline_of(
    deployment: Deployment,
    verdict: Verdict,
    streams: Sequence[StreamResult],
    networks: Sequence[NetworkResult],
    boards: Sequence[BoardResult],
) -> str:
    """Return the answer in a line; overload comes first, and what heat would take from it last."""
    answer = _throughput(deployment, verdict, streams, networks)
    hot = ", ".join(one.name for one in boards if one.throttles)
    return f"{answer}; {hot} would throttle, which this leaves out" if hot else answer


def _throughput(
    deployment: Deployment,
    verdict: Verdict,
    streams: Sequence[StreamResult],
    networks: Sequence[NetworkResult],
) -> str:
    fps = sum(one.fps for one in streams)
    offered = sum(one.offered_fps for one in streams)
    worst = max(streams, key=lambda one: one.latency.p99)
    ages = f"p50 {milliseconds(worst.latency.p50)}, p99 {milliseconds(worst.latency.p99)}"
    if verdict == "overloaded":
        busiest = max(networks, key=lambda one: one.busy)
        return (
            f"OVERLOADED: {fps:.0f} of {offered:.0f} frames/s come back; "
            f"{busiest.name} is busy {busiest.busy:.0%} of the time"
        )
    if verdict == "at its limit":
        return f"AT ITS LIMIT: {fps:.0f} of {offered:.0f} frames/s come back, {ages}; no reserve"
    closed = all(one.arrivals == "loop" for one in deployment.streams)
    return f"{fps:.0f} frames/s{'' if closed else ', keeps up'}, {ages}"


def milliseconds(value: float) -> str:
    """Return a latency for people: three digits that matter."""
    if value == float("inf"):
        return "never"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def bound_of(networks: Sequence[NetworkResult], units: Mapping[str, float]) -> str:
    """Name what is busiest: threads of the host, or a network's instances and what most of their calls go to."""
    busiest = max(networks, key=lambda one: one.busy)
    if units.get("host.threads", 0.0) > busiest.busy:
        return "host threads"
    if not busiest.parts:
        return "nothing"
    return f"{busiest.name}: {bound_of_call(busiest.parts)}"
