"""A report of `axemu run` as one page: frames over cores, how long they took, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axemu import pages
from axemu.pages import Chart, Row

MOST = 160
"""Bars of the timeline."""
FEW = 8
"""Instances that have a line of their own in the picture of latencies."""


def write_report(path: Path, document: Mapping[str, Any]) -> None:
    """Write the page of a report (`Report` in docs/reference/json.md), whole or not at all.

    Raises:
        InvalidArgument: a package of the extra `report` is missing.
        OSError: it cannot be written.
    """
    total = document["total"]
    used = [one for one in document["instances"] if one["calls"]]
    answer = (
        f"{document['program'] or 'The program'}: {total['frames']} frames at {total['fps']:.1f} frames/s, latency "
        f"p50 {milliseconds(total['latency_p50_ms'])}, p99 {milliseconds(total['latency_p99_ms'])}."
    )
    values = {
        "document": document,
        "answer": answer,
        "tiles": [
            (f"{total['fps']:.1f}", "frames/s"),
            (milliseconds(total["latency_p50_ms"]), "median latency"),
            (milliseconds(total["latency_p99_ms"]), "99th percentile"),
            (str(total["frames"]), "frames"),
            (str(document["threads"]), "calling threads"),
            (f"{document['elapsed']:.3f} s", "of board time"),
        ],
        "columns": [
            ("instance", False), ("board", False), ("cores", False), ("frames", True), ("FPS", True), ("p50 ms", True),
            ("p99 ms", True), ("bound by", False),
        ],
        "cells": [
            (
                label(one), one["board"], ", ".join(map(str, one["cores"])), one["frames"], f"{one['fps']:.1f}",
                number(one["latency_p50_ms"]), number(one["latency_p99_ms"]), one["bound_by"] or "–",
            )
            for one in document["instances"]
        ],
        "busy": [
            (f"{board['name']} {unit}", f"{share:.1%}")
            for board in document["boards"]
            for unit, share in board["utilisation"].items()
            if share
        ],
        "buffered": any(one["double_buffer"] for one in used),
    }  # fmt: skip
    charts = [one for one in (timeline(used), latencies(used), parts(used)) if one.rows]
    pages.write_page(path, "axemu.studies._pages", "report.html.j2", values, charts=charts)


def label(instance: Mapping[str, Any]) -> str:
    """Return what an instance is called."""
    return f"{instance['id']} {instance['model']}"


def number(value: float | None) -> str:
    """Return a time for a table."""
    return "–" if value is None else f"{value:.3f}"


def milliseconds(value: float | None) -> str:
    """Return a time for a sentence."""
    return "not known" if value is None else f"{value:.2f} ms"


def timeline(instances: list[Mapping[str, Any]]) -> Chart:
    """Return when which core executed for whom, as far as all instances tell."""
    calls = [(one, one.get("first_calls_ms", [])) for one in instances]
    calls = [(one, its) for one, its in calls if its]
    rows: list[Row] = []
    if calls:
        width = sum(len(one["cores"]) for one, _ in calls)
        room = max(8, MOST // width)
        begin = min(its[0][0] for _, its in calls)
        end = min(its[: room + 1][-1][3] for _, its in calls)
        rows = [
            {
                "board and core": f"{one['board']} core {core}",
                "ms": start,
                "end": stop,
                "instance": label(one),
                "call": at,
            }
            for one, its in calls
            for at, (_, start, stop, _) in enumerate(its)
            if stop > start and begin <= start <= end
            for core in one["cores"]
        ]
        rows.sort(key=lambda row: (row["board and core"], row["ms"]))
    return Chart(
        "Frames over cores", "ms", "board and core", "instance", "bar", until="end", rows=rows,
        note="The first executions of each instance; gaps are times in which a core waited for its next frame.",
    )  # fmt: skip


def latencies(instances: list[Mapping[str, Any]]) -> Chart:
    """Return which part of the frames had a result within which time."""
    rows: list[Row] = []
    shown = [one for one in instances if one.get("latency_quantiles_ms")][:FEW]
    for one in shown:
        marks = one["latency_quantiles_ms"]
        rows += [
            {"latency ms": value, "frames %": 100 * at / (len(marks) - 1), "instance": label(one)}
            for at, value in enumerate(marks)
        ]
    note = "How many of the frames had their result within a time."
    if len(instances) > len(shown):
        note += f" The first {len(shown)} instances of {len(instances)}."
    return Chart("Latency", "latency ms", "frames %", "instance", rows=rows, note=note)


def parts(instances: list[Mapping[str, Any]]) -> Chart:
    """Return where the time of a mean call went."""
    rows: list[Row] = [
        {"instance": label(one), "unit": unit, "µs": time}
        for one in instances
        for unit, time in sorted(one["microseconds_per_call"].items(), key=lambda item: -item[1])
        if time > 0
    ]
    return Chart("Where a mean call went", "µs", "instance", "unit", "bar", rows=rows)
