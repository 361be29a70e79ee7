"""The report as one self-contained HTML page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from axemu import pages
from axemu.driver.bounded import Bounds, parse_json, read_bounded

FAIR_SQNR, GOOD_SQNR = 20.0, 30.0
"""dB below which a box of the graph is orange, and yellow."""
_ERROR_BAR = 60
"""Pixels of a bar for 0 dB; none is left at twice `FAIR_SQNR`."""
REPORT_FILE = Bounds(256 << 20, 4_000_000)
"""Of our own making, as large as a network of 16 384 operators makes it."""
_MOST_BOXES = 1500
"""Operators above which no graph is drawn: a browser would take long."""
LOW_SQNR = 10.0
"""Operators below this many dB are marked."""
_FEW_SHARE = 0.1
"""Operators with a larger share of channels that use few levels are marked."""
_UNITS = ("B", "KiB", "MiB", "GiB")
_WORST = 8
"""Operators named at the top of the page."""


def write_html(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report page; it refers to nothing outside itself, and reads the same without scripts."""
    operators = [{**entry, "marks": _marks(entry)} for entry in report["operators"]]
    measured = [entry for entry in operators if entry.get("sqnr_db") is not None]
    times = [entry.get("time_us", 0.0) for entry in operators]
    values = {
        "report": report,
        "operators": operators,
        "host": report.get("host_operators", []),
        "outputs": report.get("end_to_end", []),
        "worst": sorted(measured, key=lambda entry: float(entry["sqnr_db"]))[:_WORST],
        "marked": sum(bool(entry["marks"]) for entry in operators),
        "timing": report.get("timing", ""),
        "slowest": max(times, default=0.0) or 1.0,
        "total": sum(times),
        "drawing": _drawing(operators),
        "states": [_state(entry.get("sqnr_db")) for entry in operators],
        "error": _error_bar,
        "low": f"{FAIR_SQNR:g}",
        "fair": f"{GOOD_SQNR:g}",
    }
    filters = {"size": _size, "count": _count, "decibels": _decibels, "short": pages.short}
    pages.write_page(path, "axelera.compiler.report", "report.html.j2", values, filters=filters)


def add_times(folder: Path, times: Mapping[str, float], timing: str) -> None:
    """Add to the report of a compiled model how long each operator takes, and write its page again.

    Args:
        folder: the compiled model.
        times: µs by operator, on one core.
        timing: what these figures rest on.
    """
    report = parse_json(read_bounded(folder / "report.json", REPORT_FILE), REPORT_FILE)
    report["timing"] = timing
    for entry in report["operators"]:
        entry["time_us"] = round(times.get(entry["name"], 0.0), 3)
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    write_html(folder / "report.html", report)


def _drawing(operators: Sequence[Mapping[str, Any]]) -> pages.Drawing | None:
    """Lay the graph out, where it is known and not too large."""
    if len(operators) > _MOST_BOXES or not any(entry.get("inputs") for entry in operators):
        return None
    names = [entry["name"] for entry in operators]
    return pages.lay_out(names, {entry["name"]: entry.get("inputs", ()) for entry in operators})


def _state(ratio: float | None) -> str:
    if ratio is None:
        return "late"
    return "low" if ratio < FAIR_SQNR else "fair" if ratio < GOOD_SQNR else "good"


def _error_bar(ratio: float) -> int:
    """Return the pixels of a bar that is the longer the larger the error is."""
    return round(_ERROR_BAR * min(1.0, max(0.0, 1 - ratio / (2 * FAIR_SQNR))))


def _marks(entry: Mapping[str, Any]) -> list[str]:
    """Return why an operator deserves a look."""
    marks = []
    if entry.get("sqnr_db") is not None and entry["sqnr_db"] < LOW_SQNR:
        marks.append(f"below {LOW_SQNR:.0f} dB")
    few = entry.get("channels_below_16_levels")
    if few is not None and few > _FEW_SHARE * entry["channels"]:
        marks.append(f"{few} channels with few levels")
    return marks


def _size(bytes_: float) -> str:
    """Write bytes in the unit that leaves one to four digits."""
    if bytes_ < 1024:
        return f"{bytes_:.0f} B"
    power = min(int(math.log2(bytes_)) // 10, 3)
    value = bytes_ / 1024**power
    return f"{value:.0f} {_UNITS[power]}" if value >= 100 else f"{value:.3g} {_UNITS[power]}"


def _count(number: float) -> str:
    """Write a large number with the usual letter."""
    for letter, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {letter}"
    return f"{number:.0f}"


def _decibels(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
