"""A comparison as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from axemu.model import replacing
from axemu.studies._compare._comparison import Comparison, TensorComparison
from axemu.studies._compare._measure import LARGEST_BIN, Measure

_WIDE, _HIGH, _GAP_X, _GAP_Y = 132, 22, 14, 18
_SHOWN = 19
"""Characters of a name in a box of the graph."""
_LOW, _FAIR = 20.0, 30.0
"""dB of local SQNR below which a box is marked."""


@dataclass(frozen=True, slots=True)
class Box:
    """A tensor in the drawing of the graph."""

    entry: TensorComparison
    x: int
    y: int
    state: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The graph: boxes, lines as SVG paths, and the size of all."""

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    width: int
    height: int


def write_page(path: Path, comparison: Comparison) -> None:
    """Write a page with the graph and a table; it refers to nothing outside itself, and reads the same without scripts.

    Raises:
        OSError: it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("axemu.studies._compare", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"decibels": decibels, "percent": percent, "histogram": histogram, "short": short}
    page = environment.get_template("compare.html.j2").render(
        comparison=comparison,
        drawing=draw(comparison),
        equal=sum(entry.accumulated.equal for entry in comparison.tensors),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def decibels(measure: Measure | None) -> str:
    """Return an SQNR as text: a dash where it is not known, "equal" where nothing differs."""
    if measure is None:
        return "–"
    if measure.sqnr_db is None:
        return "equal" if measure.equal else "–"
    return f"{measure.sqnr_db:.1f}"


def percent(measure: Measure) -> str:
    """Return the share of values that are off by a step or more."""
    return "0" if measure.equal else f"{100 * measure.share:.3g}"


def histogram(measure: Measure) -> str:
    """Return how many values are off by how many steps."""
    named = (
        (f"{steps}" if steps < LARGEST_BIN else f"≥{steps}", count) for steps, count in measure.off_by.items()
    )
    return ", ".join(f"{steps}: {count}" for steps, count in named if count)


def state(comparison: Comparison, entry: TensorComparison) -> str:
    """Return how a tensor is marked: first, own, low, fair, late or good."""
    if entry.tensor == comparison.first:
        return "first"
    if comparison.exact:
        if entry.local is not None and not entry.local.equal:
            return "own"
        return "good" if entry.accumulated.equal else "late"
    found = None if entry.local is None else entry.local.sqnr_db
    if found is None or found >= _FAIR:
        return "good"
    return "low" if found < _LOW else "fair"


def draw(comparison: Comparison) -> Drawing:
    """Lay tensors out in rows, each below everything it is computed from."""
    rank: dict[str, int] = {}
    above: dict[str, tuple[str, ...]] = {}
    for entry in comparison.tensors:
        known = tuple(name for name in entry.inputs if name in rank)
        above[entry.tensor] = known
        rank[entry.tensor] = 1 + max((rank[name] for name in known), default=-1)
    rows: list[list[TensorComparison]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    for entry in comparison.tensors:
        rows[rank[entry.tensor]].append(entry)
    column: dict[str, float] = {}
    for row in rows:
        row.sort(key=lambda entry: _middle(above[entry.tensor], column))
        for place, entry in enumerate(row):
            column[entry.tensor] = place
    boxes = tuple(
        Box(
            entry,
            _GAP_X + int(column[entry.tensor]) * (_WIDE + _GAP_X),
            _GAP_Y + rank[entry.tensor] * (_HIGH + _GAP_Y),
            state(comparison, entry),
        )
        for entry in comparison.tensors
    )
    at = {box.entry.tensor: box for box in boxes}
    lines = tuple(_line(at[source], at[name]) for name, sources in above.items() for source in sources)
    wide = max((box.x for box in boxes), default=0) + _WIDE + _GAP_X
    return Drawing(boxes, lines, wide, _GAP_Y + len(rows) * (_HIGH + _GAP_Y))


def _middle(sources: tuple[str, ...], column: Mapping[str, float]) -> float:
    return sum(column[name] for name in sources) / len(sources) if sources else 0.0


def _line(source: Box, target: Box) -> str:
    x1, y1 = source.x + _WIDE // 2, source.y + _HIGH
    x2, y2 = target.x + _WIDE // 2, target.y
    bend = max(_GAP_Y, (y2 - y1) // 2)
    side = x1 if y2 - y1 <= _GAP_Y else x1 + (_WIDE // 2 + _GAP_X // 2 if x1 == x2 else 0)
    return f"M{x1} {y1}C{side} {y1 + bend} {side if x1 == x2 else x2} {y2 - bend} {x2} {y2}"


def short(name: str) -> str:
    """Return a name that fits into a box: its end."""
    return name if len(name) <= _SHOWN else "…" + name[1 - _SHOWN :]
