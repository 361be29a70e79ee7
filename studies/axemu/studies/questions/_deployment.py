"""What becomes of the frames of a deployment?"""

from __future__ import annotations

from typing import Annotated

from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardResult, evaluate, read_deployment
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import stamp_of


@question
def deployment(file: Annotated[str, "A TOML, YAML or JSON file that describes it."]) -> Answer:
    """What becomes of the frames of a deployment that a file describes?"""
    described = read_deployment(file)
    one = evaluate(described, band=True)
    rows: list[Row] = [
        {
            "stream": stream.name,
            "offered FPS": stream.offered_fps,
            "FPS": stream.fps,
            "p50 ms": stream.latency.p50,
            "p90 ms": stream.latency.p90,
            "p99 ms": stream.latency.p99,
            "p99.9 ms": stream.latency.p999,
            "max ms": stream.latency.max,
            "p99 if slow": slow.latency.p99,
            "jitter ms": stream.jitter,
            "dropped": stream.dropped,
        }
        for stream, slow in zip(one.streams, one.at_slow_end.streams, strict=True)
    ]
    networks = [
        f"{network.name}: {network.instances} instance{'s' if network.instances > 1 else ''} {network.busy:.0%} busy, {network.fps:.0f} frames/s, "
        f"{network.executed:.2f} ms each, longest queue {network.queue}"
        for network in one.networks
    ]
    units = ", ".join(f"{unit} {part:.0%}" for unit, part in one.units.items())
    why = (f"Bound by {one.bound_by}.", *networks, f"Busy: {units}.", *map(heat_of, one.boards))
    return Answer(
        one.headline,
        rows,
        why,
        stamp_of(one),
        (Chart("99th percentile of latency", "stream", "p99 ms", mark="bar"),),
    )


def heat_of(board: BoardResult) -> str:
    """Return what is said of a chip's power and temperature."""
    throttled = (
        f"; {' and '.join(board.throttles)} would then take frames away, which these figures leave out (`axemu study heat`)"
        if board.throttles
        else ""
    )
    return f"{board.name}: {board.watts:.1f} W, settles at {board.temperature:.0f} °C{throttled}. Orders of magnitude."
