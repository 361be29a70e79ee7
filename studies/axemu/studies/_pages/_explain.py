"""An explanation as one page: where time goes, how far from the roofs, and what memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from axemu import pages
from axemu.chip import PROGRAMS
from axemu.pages import Chart, Row
from axemu.studies._explain import Explanation, roofs
from axemu.studies._explain import Row as Layer
from axemu.studies._pages._memory import memory_rows
from axemu.studies._scenario import Scenario

MOST = 120
"""Layers in the picture of their times: the slowest, in the order of execution."""
FELT = 0.0005
"""A smaller change of the rate is none."""


def write_explanation(path: Path, scenario: Scenario, explanation: Explanation) -> None:
    """Write the page, whole or not at all.

    Raises:
        InvalidArgument: a package of the extra `report` is missing.
        OSError: it cannot be written.
    """
    one = explanation.prediction
    total = sum(row.time_us for row in explanation.rows) or 1.0
    low, high = one.band
    boards = f"{scenario.boards} x {one.board}" if scenario.boards > 1 else one.board
    values = {
        "title": f"{one.model} on {boards}",
        "answer": (
            f"{one.model} on {boards}: {one.host_fps:.0f} frames/s (80 % band {low:.0f} to {high:.0f}), bound by "
            f"{one.bound_by}; a frame alone takes {one.lone_latency_ms:.2f} ms."
        ),
        "tiles": [
            (f"{one.host_fps:.0f}", "host FPS"),
            (f"{one.device_fps:.0f}", "device FPS"),
            (f"{one.system_fps:.0f}", "system FPS"),
            (f"{one.latency_ms:.2f} ms", "latency in the loop"),
            (f"{one.ddr_bytes_per_frame / 1e6:.1f} MB", "DDR per frame"),
            (f"{total / 1000:.2f} ms", "a call on one core alone"),
        ],
        "layers": [(row, 100 * row.time_us / total) for row in explanation.rows],
        "slowest": max((row.time_us for row in explanation.rows), default=1.0) or 1.0,
        "facts": [
            ("host", one.host),
            ("cores", f"{scenario.cores} of each board at {scenario.clock} MHz"),
            ("MVM limit", f"{scenario.mvm_utilisation:g} %"),
            ("double buffering", "yes" if scenario.double_buffer else "no"),
            ("comparable", one.comparable + (f": {one.published_fps:.0f}" if one.published_fps else "")),
            *(
                [("doubt", f"no measured network rests on {', '.join(one.unseen_rules)}")]
                if one.unseen_rules
                else []
            ),
        ],
        "stamp": (
            f"simulated: model {one.model_version}, calibration {one.calibration_id}, rests on {one.provenance} figures"
        ),
    }
    charts = [one for one in pictures(scenario, explanation) if one.rows]
    pages.write_page(path, "axemu.studies._pages", "explain.html.j2", values, charts=charts)


def pictures(scenario: Scenario, explanation: Explanation) -> list[Chart]:
    """Return all pictures of an explanation; some may have nothing to show."""
    layers = explanation.rows
    parts = sorted(explanation.prediction.parts_us.items(), key=lambda part: -part[1])
    return [
        Chart(
            "Where a call goes", "µs", "unit", mark="bar",
            rows=[{"unit": name, "µs": time} for name, time in parts if time > 0],
            note="The mean call in the steady state, all instances at work.",
        ),
        Chart(
            "Time per layer", "µs", "layer", "unit", "bar", rows=times(layers),
            note="By unit, on one core that has the DDR to itself; in the order of execution"
            + (f", the {MOST} slowest of {len(layers)}." if len(layers) > MOST else "."),
        ),
        roofline(layers, *roofs(scenario)),
        Chart(
            "Memory over time", "ms", "KiB", "memory", "area", rows=memory_rows(scenario, layers),
            note=(
                f"What a core holds in L1 (of {int(PROGRAMS.l1_data) // 1024} KiB), and one instance in L2 and DDR, while each layer runs; "
                "weights in DDR are left out."
            ),
        ),
        Chart(
            "What a change would bring", "change of host FPS %", "figure", "figure is", "bar", rows=changes(explanation),
            note="When a figure is 10 % smaller or larger, by the closed form of the fit.",
        ),
    ]  # fmt: skip


def times(layers: Sequence[Layer]) -> list[Row]:
    """Return a row per layer and unit."""
    least = sorted((row.time_us for row in layers), reverse=True)[:MOST][-1] if layers else 0.0
    units = sorted(
        {unit for row in layers for unit in row.units_us},
        key=lambda unit: -sum(row.units_us.get(unit, 0.0) for row in layers),
    )
    return [
        {"layer": row.name, "unit": unit, "µs": row.units_us[unit]}
        for row in layers
        if row.time_us >= least
        for unit in units
        if row.units_us.get(unit)
    ]


def roofline(layers: Sequence[Layer], peak: float, bandwidth: float) -> Chart:
    """Return layers by intensity and rate, below the roofs of the array (MAC/s) and of the DDR (bytes/s)."""
    shown = [row for row in layers if row.macs and row.achieved and row.intensity]
    rows = [
        {
            "MAC per byte": row.intensity,
            "GMAC/s": row.achieved / 1e9,
            "bound by": row.bound_by,
            "µs": row.time_us,
            "layer": row.name,
        }
        for row in shown
    ]
    curve: list[Row] = []
    if shown:
        left, right = min(row.intensity for row in shown), max(row.intensity for row in shown)
        right = max(right, 1.1 * peak / bandwidth)
        curve = [
            {"MAC per byte": x, "GMAC/s": min(peak, x * slope) / 1e9, "line": line}
            for line, slope in (("DDR", bandwidth), ("array", inf))
            for x in (left, peak / bandwidth, right)
        ]
    return Chart(
        "Roofline", "MAC per byte", "GMAC/s", "bound by", "point", size="µs", curve=curve, logarithmic=True, rows=rows,
        note=(
            "A point is a layer, the larger the longer it takes; dashed is what the array with its MVM limit allows (level) and the "
            "DDR (rising), which bounds layers that fetch from it. Bytes are those of DDR; where a layer moves none, all that it touches."
        ),
    )  # fmt: skip


def changes(explanation: Explanation) -> list[Row]:
    """Return what figures change, those first that are felt most."""
    ranked = sorted(explanation.sensitivities.items(), key=lambda item: -max(map(abs, item[1])))
    return [
        {"figure": name, "figure is": words, "change of host FPS %": 100 * change}
        for name, pair in ranked
        for words, change in zip(("10 % smaller", "10 % larger"), pair, strict=True)
        if abs(change) >= FELT
    ]
