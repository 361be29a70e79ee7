"""Loops that keep boards busy: how fast networks go when nothing else matters."""

from __future__ import annotations

from axemu.studies.deployments import (
    BoardSetup,
    Deployment,
    Evaluation,
    HostSetup,
    NetworkSetup,
    Stream,
    evaluate,
)


def saturated(
    *networks: NetworkSetup, board: BoardSetup, host: str | None = None, seconds: float = 3.0
) -> Evaluation:
    """Return what becomes of networks whose instances are always called."""
    streams = tuple(Stream(one.label, arrivals="loop", count=0) for one in networks)
    return evaluate(Deployment(networks, streams, (board,), host=HostSetup(host), seconds=seconds), band=True)
