"""The page of all commands with all options, from the commands themselves."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Iterator
from typing import Any

import typer

from axemu.cli import axemu
from axemu.cli._commands import NAMES

INTRODUCTION = """\
# All commands and options

Written from the commands when this site is built; [Commands](cli.md) says what they are for.
"""


def commands_page() -> str:
    """Return the page as Markdown."""
    axemu._add_parts()  # noqa: SLF001  as its `main` does
    commands = {"axemu": axemu.app} | {
        name: importlib.import_module(f"axemu.cli.{name}").app for name in NAMES
    }
    lines = [INTRODUCTION]
    for name, app in commands.items():
        lines += _described(name, typer.main.get_command(app), 2)
    return "\n".join(lines) + "\n"


def _described(name: str, command: Any, level: int) -> Iterator[str]:
    """Yield the section of a command and those of the commands below it."""
    yield f"{'#' * min(level, 4)} {name}\n"
    yield textwrap.dedent(command.help or "").replace("\f", "").strip() + "\n"
    rows = [row for parameter in command.params if (row := _row(parameter))]
    if rows:
        yield "| option | default | what for |\n|---|---|---|"
        yield "\n".join(rows) + "\n"
    if hasattr(command, "list_commands"):  # not `commands`: some groups make theirs when asked
        for inner in sorted(set(command.list_commands(None))):
            yield from _described(f"{name} {inner}", command.get_command(None, inner), level + 1)


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
            return ""
        name = ", ".join([*parameter.opts, *parameter.secondary_opts])
    else:
        name = parameter.metavar or parameter.name.upper()
    text, default = getattr(parameter, "help", None) or "", parameter.default
    shown = "" if default in (None, False, (), "") or callable(default) else f"`{default}`"
    return f"| `{name}` | {shown} | {_cell(text)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
