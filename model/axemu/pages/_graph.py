"""The drawing of a graph: boxes in rows, each below everything it is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDE, HIGH = 132, 22
"""Pixels of a box."""
GAP_X, GAP_Y = 14, 18
SHOWN = 19
"""Characters of a name in a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its number in the order of execution, and where it is drawn."""

    number: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes, lines as SVG paths, and the size of all."""

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    width: int
    height: int


def lay_out(nodes: Sequence[str], sources: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay nodes out.

    Args:
        nodes: names, in the order of execution.
        sources: what each is computed from; those that are no nodes, or come later, are left out.
    """
    rank: dict[str, int] = {}
    above: dict[str, tuple[str, ...]] = {}
    for name in nodes:
        known = tuple(one for one in dict.fromkeys(sources.get(name, ())) if one in rank)
        above[name] = known
        rank[name] = 1 + max((rank[one] for one in known), default=-1)
    rows: list[list[str]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    for name in nodes:
        rows[rank[name]].append(name)
    column: dict[str, float] = {}
    for row in rows:
        row.sort(key=lambda name: _middle(above[name], column))
        column |= {name: place for place, name in enumerate(row)}
    boxes = {
        name: Box(number, GAP_X + int(column[name]) * (WIDE + GAP_X), GAP_Y + rank[name] * (HIGH + GAP_Y))
        for number, name in enumerate(nodes)
    }
    lines = tuple(_line(boxes[source], boxes[name]) for name, known in above.items() for source in known)
    wide = max((box.x for box in boxes.values()), default=0) + WIDE + GAP_X
    return Drawing(tuple(boxes.values()), lines, wide, GAP_Y + len(rows) * (HIGH + GAP_Y))


def short(name: str) -> str:
    """Return a name that fits into a box: its end."""
    return name if len(name) <= SHOWN else "…" + name[1 - SHOWN :]


def _middle(sources: Sequence[str], column: Mapping[str, float]) -> float:
    return sum(column[name] for name in sources) / len(sources) if sources else 0.0


def _line(source: Box, target: Box) -> str:
    x1, y1 = source.x + WIDE // 2, source.y + HIGH
    x2, y2 = target.x + WIDE // 2, target.y
    bend = max(GAP_Y, (y2 - y1) // 2)
    side = x1 if y2 - y1 <= GAP_Y else x1 + (WIDE // 2 + GAP_X // 2 if x1 == x2 else 0)
    return f"M{x1} {y1}C{side} {y1 + bend} {side if x1 == x2 else x2} {y2 - bend} {x2} {y2}"
