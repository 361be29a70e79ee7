"""From a template to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from axemu.driver import InvalidArgument
from axemu.model import replacing
from axemu.pages._chart import Chart, Row, specification


def write_page(
    path: Path,
    package: str,
    template: str,
    values: Mapping[str, Any],
    *,
    charts: Sequence[Chart] = (),
    table: Sequence[Row] = (),
    filters: Mapping[str, Any] | None = None,
) -> None:
    """Write a page, whole or not at all. Without charts it reads the same without scripts.

    Args:
        path: the file.
        package: where the template lies; it extends `look.html.j2`.
        template: its name.
        values: what it shows, by name.
        charts: pictures, drawn by `look.charts`.
        table: the rows that charts without rows of their own draw.
        filters: functions of the template, by name.

    Raises:
        InvalidArgument: there are charts, and a package of the extra `report` is missing.
        OSError: the file cannot be written.
    """
    import jinja2  # noqa: PLC0415  only who wants a page

    script, drawn = vega(charts, table) if charts else ("", "[]")
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, "."), jinja2.PackageLoader("axemu.pages", ".")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= dict(filters or {})
    text = environment.get_template(template).render(**values, charts=charts, drawn=drawn, script=script)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def vega(charts: Sequence[Chart], table: Sequence[Row]) -> tuple[str, str]:
    """Return the script that draws, and what it draws as JSON."""
    try:
        import altair as alt  # noqa: PLC0415
        import vl_convert  # noqa: PLC0415
    except ImportError as error:
        raise InvalidArgument(f"page: {error.name} is not installed; pip install 'axemu[report]'") from error
    drawn = json.dumps([specification(alt, one, table) for one in charts])
    # In a script `</script` would end it, and `<!--` hide its end.
    return _bundle(vl_convert.javascript_bundle), drawn.replace("<", "\\u003c")


@cache
def _bundle(make: Callable[[], str]) -> str:
    """Return the scripts of Vega, which take seconds to gather."""
    return make().replace("</script", "<\\/script")
