"""The report as one self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

LOW_SQNR = 10.0
"""Operators below this many dB are marked."""
_FEW_SHARE = 0.1
"""Operators with a larger share of channels that use few levels are marked."""
_UNITS = ("B", "KiB", "MiB", "GiB")
_WORST = 8
"""Operators named at the top of the page."""


def write_html(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report page; it refers to nothing outside itself, and reads the same without scripts."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("axelera.compiler.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"size": _size, "count": _count, "decibels": _decibels}
    operators = [{**entry, "marks": _marks(entry)} for entry in report["operators"]]
    measured = [entry for entry in operators if entry.get("sqnr_db") is not None]
    page = environment.get_template("report.html.j2").render(
        report=report,
        operators=operators,
        host=report.get("host_operators", []),
        outputs=report.get("end_to_end", []),
        worst=sorted(measured, key=lambda entry: float(entry["sqnr_db"]))[:_WORST],
        marked=sum(bool(entry["marks"]) for entry in operators),
    )
    path.write_text(page, encoding="utf-8")


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
