"""What a study costs: processor time of a point of a sweep, and of what comes before the first.

python benchmarks/studies.py
python benchmarks/studies.py --write        # and put the table into docs/reference/benchmarks.md
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from _measure import machine, replace_section

from axemu.studies.deployments import (
    BoardSetup,
    Deployment,
    NetworkSetup,
    Stream,
    drawn,
    evaluate,
    keys_of,
    services,
    sweep,
)

PAGE = Path(__file__).parents[1] / "docs/reference/benchmarks.md"
POINTS = 200
BASE = Deployment(
    (NetworkSetup("yolov8s", "net"),),
    (Stream("net", "cameras", jitter=2.0),),
    (BoardSetup("m2"),),
    seconds=10.0,
)
AXES = {
    "networks.net.cores": (1, 2, 3, 4),
    "networks.net.double_buffer": (True, False),
    "streams.cameras.fps": (10.0, 15.0, 20.0, 25.0, 30.0),
    "streams.cameras.count": tuple(range(1, 26)),
}


def spent(call: Callable[[], object]) -> float:
    """Return the processor time in seconds."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def rows() -> Iterator[tuple[str, float]]:
    yield "service figures of YOLOv8s on M.2, its program with them", spent(lambda: services(keys_of(BASE)))
    evaluate(BASE)  # compiles, if nobody has
    yield "that deployment, 300 frames", spent(lambda: evaluate(BASE))
    points = drawn(BASE, AXES, POINTS)
    sweep(points, "serial")
    yield "a point of a sweep: 1 to 25 cameras, 10 s", spent(lambda: sweep(points, "serial")) / POINTS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = [f"Measured on {machine()}.", "", "| what | processor time ms |", "|---|---|"]
    for what, seconds in rows():
        lines.append(f"| {what} | {1000 * seconds:.1f} |")
        print(lines[-1], flush=True)
    if given.write:
        replace_section(PAGE, "studies", "\n".join(lines))


if __name__ == "__main__":
    main()
