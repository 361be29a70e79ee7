"""An answer as one HTML page that refers to nothing outside itself."""

from __future__ import annotations

import json
from math import isinf
from pathlib import Path
from typing import Any

from axemu.driver import InvalidArgument
from axemu.model import replacing
from axemu.studies.questions._answer import Answer, Chart, Row, shown

LOOK = {"background": "transparent", "axis": {"gridOpacity": 0.25}, "legend": {"orient": "top"}}


def write_page(path: Path, answer: Answer) -> None:
    """Write the page, whole or not at all; it has the answer, pictures, the table, and why.

    Raises:
        InvalidArgument: a package of the extra `report` is missing.
        OSError: it cannot be written.
    """
    import jinja2  # noqa: PLC0415  only who wants a page

    try:
        import altair as alt  # noqa: PLC0415
        import vl_convert  # noqa: PLC0415
    except ImportError as error:
        raise InvalidArgument(f"page: {error.name} is not installed; pip install 'axemu[report]'") from error
    bundle: Any = vl_convert.javascript_bundle  # whose types ask for an argument that it does not need
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("axemu.studies.questions", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    columns = list(answer.rows[0]) if answer.rows else []
    text = environment.get_template("page.html.j2").render(
        answer=answer,
        columns=[(name, numeric(answer.rows, name)) for name in columns],
        cells=[[shown(row[name]) for name in columns] for row in answer.rows],
        options={
            name: shown(value) if not isinstance(value, list) else ", ".join(value)
            for name, value in answer.options.items()
        },
        titles=[one.title for one in answer.charts],
        # In a script `</script` would end it, and `<!--` hide its end.
        charts=json.dumps([drawing(alt, one, answer.rows) for one in answer.charts]).replace("<", "\\u003c"),
        script=bundle().replace("</script", "<\\/script"),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def numeric(rows: Any, name: str) -> bool:
    """Return whether a column holds numbers."""
    return all(isinstance(row[name], int | float | None) and not isinstance(row[name], bool) for row in rows)


def drawing(alt: Any, chart: Chart, rows: Any) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    used = [chart.x, chart.y, *([chart.colour] if chart.colour else [])]
    values = [{name: plain(row, name) for name in used} for row in rows if not isinf(row[chart.y] or 0)]
    numbers = numeric(rows, chart.x) and chart.mark == "line"

    def axis(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"shorthand": f"{name.replace('.', ' ')}:{kind}", "title": name, **more}

    x = alt.X(**axis(chart.x, "Q" if numbers else "N", sort=None))
    y = alt.Y(
        **axis(
            chart.y,
            "Q",
            scale=alt.Scale(type="log") if spans_decades(values, chart.y) else alt.Undefined,
        )
    )
    colour = alt.Color(**axis(chart.colour, "N")) if chart.colour else alt.Undefined
    base = alt.Chart(alt.Data(values=values), width="container", height=280)
    drawn = base.mark_line(point=True, tooltip=True) if chart.mark == "line" else base.mark_bar(tooltip=True)
    layers = [drawn.encode(x=x, y=y, color=colour)]
    if chart.limit is not None:
        rule = alt.Chart(alt.Data(values=[{"limit": chart.limit}]))
        layers.append(rule.mark_rule(strokeDash=[4, 4], color="#d62728").encode(y="limit:Q"))
    layered = alt.layer(*layers).properties(width="container").configure(**LOOK)
    specification: dict[str, Any] = layered.to_dict(validate=False)
    return specification


def plain(row: Row, name: str) -> Any:
    """Return a cell as a chart shows it."""
    value = row[name]
    return shown(value) if isinstance(value, bool) else value


def spans_decades(values: list[dict[str, Any]], name: str) -> bool:
    """Return whether a column of positive numbers spans so much that a logarithm shows it better."""
    numbers = [one[name] for one in values if one[name]]
    return bool(numbers) and min(numbers) > 0 and max(numbers) > 50 * min(numbers)
