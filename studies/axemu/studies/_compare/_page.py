"""A comparison as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from axemu import pages
from axemu.studies._compare._comparison import Comparison, TensorComparison
from axemu.studies._compare._measure import LARGEST_BIN, Measure

_LOW, _FAIR = 20.0, 30.0
"""dB of local SQNR below which a box is marked."""


def write_page(path: Path, comparison: Comparison) -> None:
    """Write a page with the graph and a table; it refers to nothing outside itself, and reads the same without scripts.

    Raises:
        OSError: it cannot be written.
    """
    entries = comparison.tensors
    values = {
        "comparison": comparison,
        "drawing": pages.lay_out(
            [one.tensor for one in entries], {one.tensor: one.inputs for one in entries}
        ),
        "states": [state(comparison, one) for one in entries],
        "equal": sum(one.accumulated.equal for one in entries),
    }
    filters = {"decibels": decibels, "percent": percent, "histogram": histogram, "short": pages.short}
    pages.write_page(path, "axemu.studies._compare", "compare.html.j2", values, filters=filters)


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
