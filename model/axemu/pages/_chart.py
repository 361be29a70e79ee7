"""Pictures of rows, as Vega-Lite specifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any, Literal

Row = Mapping[str, Any]
"""A row of a table: cells by column."""

Mark = Literal["line", "bar", "area", "point"]

COLOURS = (
    "#4c8bd6", "#e0812b", "#3fa66a", "#c65bb0", "#8a76d8", "#c9a227", "#3aa8b0", "#d9605a", "#7f8a99", "#a3714f",
)  # fmt: skip
"""Told apart on light and on dark paper."""
LOOK = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {"gridOpacity": 0.5, "domain": False, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": 500},
    "legend": {"orient": "top", "titleFontSize": 11, "titleFontWeight": 500, "labelFontSize": 11, "symbolLimit": 40},
    "range": {"category": list(COLOURS)},
    "mark": {"color": COLOURS[0]},
}  # fmt: skip
LIMIT = "#d6453d"
HIGH, BAR = 280, 16
"""Pixels of a picture, and of a bar that lies."""
TALL = 20
"""Bars above which their axis is on top, where it is seen first."""
LABEL = 24
"""Characters of a bar's name; its end tells it from others."""
DECADES = 50
"""Numbers that span a larger factor are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a page draws of rows.

    Args:
        title: what it shows.
        x: column of the horizontal axis.
        y: column of the vertical axis; bars lie where it holds words.
        colour: column that tells lines, points or the parts of bars apart.
        mark: how rows are drawn; parts of bars and areas are stacked.
        limit: a rule at this height.
        until: column in which bars that begin at `x` end.
        size: column that tells how large points are.
        curve: rows of dashed lines, with the columns of the axes and `line`, which tells them apart.
        logarithmic: both axes are.
        rows: what is drawn; None means the page's table.
        note: what has to be known to read it.
    """

    title: str
    x: str
    y: str
    colour: str | None = None
    mark: Mark = "line"
    limit: float | None = None
    until: str | None = None
    size: str | None = None
    curve: Sequence[Row] = ()
    logarithmic: bool = False
    rows: Sequence[Row] | None = None
    note: str = ""


def numeric(rows: Sequence[Row], name: str) -> bool:
    """Return whether a column holds numbers."""
    return all(isinstance(row[name], int | float | None) and not isinstance(row[name], bool) for row in rows)


def specification(alt: Any, chart: Chart, table: Sequence[Row]) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    rows = table if chart.rows is None else chart.rows
    lying = chart.mark == "bar" and not numeric(rows, chart.y)
    measure = chart.x if lying else chart.y
    values = [plain(row) for row in rows if not isinf(row[measure] or 0)]
    x, y = axes(alt, chart, rows, values, lying=lying)
    encoded: dict[str, Any] = {"x": x, "y": y}
    if chart.colour:
        encoded["color"] = alt.Color(
            field=name_of(chart.colour), type="nominal", sort=None, title=chart.colour
        )
    if chart.until:
        encoded["x2"] = alt.X2(field=name_of(chart.until))
    if chart.size:
        encoded["size"] = alt.Size(field=name_of(chart.size), type="quantitative", legend=None)
    steps = len({str(row[chart.y]) for row in rows}) if lying else 0
    base = alt.Chart(alt.Data(values=values), width="container", height=BAR * steps if lying else HIGH)
    layers = [marked(base, chart).encode(**encoded)]
    if chart.limit is not None:
        rule = alt.Chart(alt.Data(values=[{"limit": chart.limit}]))
        layers.append(rule.mark_rule(strokeDash=[4, 4], color=LIMIT).encode(y="limit:Q"))
    if chart.curve:
        curve = alt.Chart(alt.Data(values=[plain(row) for row in chart.curve]))
        layers.append(curve.mark_line(strokeDash=[5, 4], color=LIMIT).encode(x=x, y=y, detail="line:N"))
    layered = alt.layer(*layers).properties(width="container").configure(**LOOK)
    found: dict[str, Any] = layered.to_dict(validate=False)
    return found


def marked(base: Any, chart: Chart) -> Any:
    """Return a chart with its mark; what is pointed at tells its row."""
    tooltip = {"content": "data"}
    if chart.mark == "line":
        few = chart.rows is None or len(chart.rows) < 100
        return base.mark_line(point=few, tooltip=tooltip)
    if chart.mark == "area":
        return base.mark_area(interpolate="step-after", tooltip=tooltip, opacity=0.85)
    if chart.mark == "point":
        return base.mark_circle(tooltip=tooltip, opacity=0.75)
    return base.mark_bar(tooltip=tooltip)


def axes(
    alt: Any, chart: Chart, rows: Sequence[Row], values: Sequence[Row], *, lying: bool
) -> tuple[Any, Any]:
    """Return both axes."""
    numbers = numeric(rows, chart.x) and (chart.mark != "bar" or lying)
    stretched = chart.logarithmic or (not lying and chart.mark == "line" and spans_decades(values, chart.y))
    tall = lying and len({str(row[chart.y]) for row in rows}) > TALL
    log = alt.Scale(type="log", nice=False)
    shortened = f"length(datum.label) > {LABEL} ? '…' + slice(datum.label, length(datum.label) - {LABEL - 1}) : datum.label"
    x = alt.X(
        field=name_of(chart.x),
        type="quantitative" if numbers else "nominal",
        title=chart.x,
        sort=alt.Undefined if numbers else None,
        scale=log if chart.logarithmic else alt.Undefined,
        axis=alt.Axis(labelOverlap=True, tickCount=6, orient="top" if tall else "bottom")
        if numbers
        else alt.Axis(labelAngle=-30, labelLimit=140),
    )
    if lying:
        axis = alt.Axis(title=None, labelExpr=shortened, labelLimit=0, ticks=False, labelOverlap=False)
        return x, alt.Y(field=name_of(chart.y), type="nominal", sort=None, axis=axis)
    y = alt.Y(
        field=name_of(chart.y),
        type="quantitative",
        title=chart.y,
        scale=alt.Scale(type="log") if stretched else alt.Undefined,
        axis=alt.Axis(labelOverlap=True),
    )
    return x, y


def name_of(column: str) -> str:
    """Return the name of a field; dots and brackets lead into objects."""
    return column.replace(".", " ").replace("[", "(").replace("]", ")")


def plain(row: Row) -> dict[str, Any]:
    """Return a row as a chart takes it."""
    return {
        name_of(name): ("yes" if value else "no") if isinstance(value, bool) else value
        for name, value in row.items()
        if not (isinstance(value, float) and isinf(value))
    }


def spans_decades(values: Sequence[Row], column: str) -> bool:
    """Return whether positive numbers span so much that a logarithm shows it better."""
    numbers = [one[name_of(column)] for one in values if one.get(name_of(column)) is not None]
    return bool(numbers) and min(numbers) > 0 and max(numbers) > DECADES * min(numbers)
