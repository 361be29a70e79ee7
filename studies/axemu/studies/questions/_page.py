"""An answer as one HTML page that refers to nothing outside itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axemu import pages
from axemu.studies.questions._answer import Answer, shown


def write_page(path: Path, answer: Answer, command: str = "axemu study") -> None:
    """Write the page, whole or not at all; it has the answer, pictures, the table, and why.

    Raises:
        InvalidArgument: a package of the extra `report` is missing.
        OSError: it cannot be written.
    """
    columns = list(answer.rows[0]) if answer.rows else []
    options = [(name, words(value)) for name, value in answer.options.items()]
    values = {
        "answer": answer,
        "command": command,
        "columns": [(name, pages.numeric(answer.rows, name)) for name in columns],
        "cells": [[shown(row[name]) for name in columns] for row in answer.rows],
        "options": options,
    }
    pages.write_page(
        path, "axemu.studies.questions", "page.html.j2", values, charts=answer.charts, table=answer.rows
    )


def words(value: Any) -> str:
    """Return what was asked for, as people write it."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {words(one)}" for name, one in value.items())
    return ", ".join(map(words, value)) if isinstance(value, list | tuple) else shown(value)
