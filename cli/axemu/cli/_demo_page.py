"""What the demo found, as one HTML page that refers to nothing outside itself."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from axemu import pages
from axemu.chip import TICKS_PER_SECOND
from axemu.cli import digits
from axemu.cli._demo import DemoResult, why
from axemu.emulator.metis import Timeline

SHOWN = 60
"""Test images on the page, and all that were read wrong."""
CALLS = 3
"""Calls of each instance on the timeline."""
LABEL, WIDTH, ROW = 70, 900, 26
KINDS = {
    "start": ("firmware", "starts the program"),
    "load": ("load", "weights go into the array"),
    "array": ("array", "multiplies and adds"),
    "control": ("control", "the control core goes on to the next step"),
    "move": ("move", "transfers to and from L2 and DDR"),
    "ddr": ("move", "transfers to and from L2 and DDR"),
}
"""Colour and meaning by what a core's time goes to; everything else is a unit of the vector path."""
OTHER = ("vector", "the other units of a pass")
LINK = ("link", "the PCIe link")


@dataclass(frozen=True, slots=True)
class Slice:
    """A rectangle of the timeline; places are in pixels."""

    x: float
    y: float
    width: float
    colour: str
    title: str


def write_page(path: Path, result: DemoResult) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    test = digits.test_images()
    wrong = np.flatnonzero(result.answers != test.labels)
    tracks, slices, microseconds = _drawn(result.timeline) if result.timeline else ([], [], 0.0)
    values = {
        "result": result,
        "why": why(result),
        "digits": [_digit(index, result, test) for index in range(SHOWN)],
        "wrong": [_digit(int(index), result, test) for index in wrong],
        "tracks": tracks,
        "slices": slices,
        "ticks": [(LABEL + WIDTH * part / 4, f"{microseconds * part / 4:.0f} µs") for part in range(5)],
        "height": ROW * len(tracks),
        "row": ROW,
        "label": LABEL,
        "total": LABEL + WIDTH + 10,
        "legend": dict([*KINDS.values(), OTHER, LINK]),
    }
    pages.write_page(path, "axemu.cli", "demo.html.j2", values)


def _digit(index: int, result: DemoResult, test: digits.Images) -> dict[str, object]:
    return {
        "picture": _picture(test.images[index, 0]),
        "answer": int(result.answers[index]),
        "label": int(test.labels[index]),
    }


def _picture(image: npt.NDArray[np.float32]) -> str:
    """Return a PNG as a data URI, dark ink on light paper."""
    scaled = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
    file = io.BytesIO()
    Image.fromarray(np.uint8(255 - 235 * scaled)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _drawn(timeline: Timeline) -> tuple[list[str], list[Slice], float]:
    """Return names of tracks, rectangles, and how many microseconds they span: the first calls of every core."""
    first = [span for span in timeline.spans if span.call < CALLS and not span.track.startswith("thread")]
    names = {span.track: _name(span.track) for span in first}
    tracks = ["link in", *sorted(name for name in set(names.values()) if "core" in name), "link out"]
    begin, end = min(span.start for span in first), max(span.end for span in first)
    scale = WIDTH / (end - begin)
    slices = []
    for span in first:
        colour, _ = KINDS.get(span.kind, OTHER) if span.kind else LINK
        what = f"{span.kind}: {span.name}" if span.kind else span.name
        slices.append(
            Slice(
                x=round(LABEL + (span.start - begin) * scale, 2),
                y=ROW * tracks.index(names[span.track]) + 3,
                width=round(max((span.end - span.start) * scale, 0.6 if span.kind else 1.5), 2),
                colour=colour,
                title=f"{what}, {_microseconds(span.end - span.start):.2f} µs, call {span.call + 1}",
            )
        )
    return tracks, slices, _microseconds(end - begin)


def _microseconds(ticks: int) -> float:
    return ticks / TICKS_PER_SECOND * 1e6


def _name(track: str) -> str:
    """Return the row of a track: `core2`, `link in`, `link out`."""
    return ".".join(track.split(".")[1:2])
