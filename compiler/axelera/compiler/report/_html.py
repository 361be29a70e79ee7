"""The report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2


def write_html(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report page; it refers to nothing outside itself."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("axelera.compiler.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    path.write_text(environment.get_template("report.html.j2").render(report=report), encoding="utf-8")
