"""`axemu import`: program files for a directory of the vendor's compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error

app = typer.Typer(add_completion=False)


@app.command("import")
def import_directory(
    directory: Annotated[
        Path,
        typer.Argument(
            help="A compiled model of the vendor's compiler: its directory, model.json or .axm archive."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Where the copy goes. Default: beside it, its name with '-imported' behind."),
    ] = None,
) -> None:
    """Copy a compiled model of the vendor's compiler and write its program beside it, without executing anything in it.

    Boards run such a directory without this as well: they translate it each time a process loads it.
    """
    with exit_on_error("axemu import"):
        from axelera.compiler.importing import write_import  # noqa: PLC0415  only this command needs it

        target = output or _default(directory)
        program = write_import(directory, target)
        print(
            f"{target}: {len(program.nodes)} operators, {sum(value.size for name, value in program.constants.items() if name.endswith('.weight'))} "
            f"weights, {len(program.core.passes) if program.core else 0} passes, for {program.batch} frame{'s' if program.batch > 1 else ''} at once"
        )


def _default(directory: Path) -> Path:
    found = Path(directory)
    if found.suffix == ".json":
        found = found.parent
    found = found.resolve()
    return found.with_name(f"{found.stem if found.suffix == '.axm' else found.name}-imported")
