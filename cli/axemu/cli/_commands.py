"""`axemu commands`: the vendor's command names, as far as nobody else owns them.

A wheel that declared these scripts would overwrite the vendor's in an environment that holds both. So they are written
on request, and only where there is nothing yet.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson
from axemu.driver import InvalidArgument, path_errors

NAMES = ("axcompile", "axdevice", "axdownloadmodel", "axmonitor", "axrunmodel", "axzoo")
MARK = "# written by: axemu commands --install"

app = typer.Typer()


@app.command("commands")
def commands(
    install: Annotated[bool, typer.Option("--install", help="Write the commands.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove those that --install wrote.")] = False,
    directory: Annotated[
        Path | None, typer.Option(help="Where; the environment's own directory of commands by default.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show, write or remove axcompile, axdevice, axdownloadmodel, axmonitor, axrunmodel and axzoo of this SDK.

    Files that something else put there are never touched. `axemu run axcompile ...` works without them.
    """
    with exit_on_error("axemu commands"):
        if install and remove:
            raise typer.BadParameter("--install and --remove exclude each other")
        place = directory or Path(sysconfig.get_path("scripts"))
        refused = []
        states = []
        for name in NAMES:
            path = place / name
            state = state_of(path)
            if install and state in ("missing", "ours"):
                with path_errors(InvalidArgument, path, "cannot be written"):
                    write(path)
            elif remove and state == "ours":
                with path_errors(InvalidArgument, path, "cannot be written"):
                    path.unlink()
            elif install:
                refused.append(name)
            states.append({"path": str(path), "state": state_of(path), "refused": name in refused})
        if as_json:
            print(json.dumps(states, indent=1))
        else:
            for one in states:
                print(f"{one['path']}: {'left alone, it is not ours' if one['refused'] else one['state']}")
        if refused:
            raise typer.Exit(1)


def state_of(path: Path) -> str:
    """Return `missing`, `ours` or `not ours`."""
    if not os.path.lexists(path):
        return "missing"
    try:
        with path.open("rb") as file:
            return "ours" if MARK.encode() in file.read(1 << 12) else "not ours"
    except OSError:
        return "not ours"


def write(path: Path) -> None:
    """Write the script that runs the module of the same name with this interpreter."""
    # The shell finds the interpreter: a path in the first line must be short and free of spaces.
    text = (
        f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n{MARK}\n"
        "import sys\n\n"
        "from axemu.cli import main\n\n"
        f"sys.exit(main({path.name!r}))\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary = Path(name)
    temporary.chmod(0o755)
    temporary.replace(path)
