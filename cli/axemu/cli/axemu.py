"""`axemu`: the umbrella command."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from axemu import faces
from axemu.cli._commands import NAMES as COMMANDS
from axemu.cli._errors import exit_on_error, require, start
from axemu.cli._options import AsJson, InstanceCores, Page, Version
from axemu.cli._terminal import columns
from axemu.driver import NOTES, InvalidArgument, Scratch

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

PARTS = (
    "_zoo", "_examples", "_predict", "_study", "_calibrate", "_import", "_warm", "_commands", "_capi", "_to_toml",
    "_vectors", "_compare", "_eval", "_stand_in", "axmonitor",
)  # fmt: skip
"""Modules of this package with a typer application `app` of further commands."""


@app.callback()
def axemu(*, version: Version = False) -> None:
    """Run, validate and tune applications for Axelera Metis boards without a board.

    Independent of Axelera AI. Every time, rate and temperature is simulated.
    """


@app.command()
def info(*, as_json: AsJson = False) -> None:
    """Show versions, drivers, boards, and where each setting comes from."""
    from axemu.cli._info import gather, lines  # noqa: PLC0415  each command imports what it needs

    with exit_on_error("axemu info"):
        found = gather()
        print(json.dumps(found, indent=1) if as_json else "\n".join(lines(found)))


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Where the compiled model goes.")] = Path("build/digits/1"),
    cores: InstanceCores = 1,
) -> None:
    """Compile a network for handwritten digits, run it on the emulated board, compare with float32.

    A page beside the model shows digits, accuracy, time and the trace of the first frames.
    """
    if cores not in (1, 2, 4):
        print(f"axemu demo: --cores {cores}; it has to be 1, 2 or 4", file=sys.stderr)
        raise typer.Exit(2)
    from axemu.cli._demo import describe, run_demo  # noqa: PLC0415
    from axemu.cli._demo_page import write_page  # noqa: PLC0415

    with exit_on_error("axemu demo"):
        result = run_demo(output, cores)
        page = output.parent / f"demo-{output.name}.html"
        write_page(page, result)
        print(describe(result, page))


@app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})
def run(
    context: typer.Context,
    program: Annotated[
        Path,
        typer.Argument(
            help="A Python program that uses axelera.runtime, one in C with libaxruntime.so, or a command such as axrunmodel."
        ),
    ],
    report: Annotated[
        str,
        typer.Option(help="JSON file for the report, or - for text on stderr. Give it before the program."),
    ] = "-",
    trace: Annotated[str, typer.Option(help="Perfetto file for a trace.")] = "",
    html: Page = None,
) -> None:
    """Run an unmodified program and report what its frames would have cost on a card.

    The program gets the runtime and compiler of this SDK, also where those of the vendor are installed.
    """
    with exit_on_error("axemu run"):
        ours = str(program) in COMMANDS  # also where a file of that name lies: it may be the vendor's
        if not ours and not program.is_file():
            raise InvalidArgument(
                f"no program {program}; give the path of a program, or one of {', '.join(COMMANDS)}"
            )
        from axemu.cli._capi import is_binary, run_binary  # noqa: PLC0415

        start_of = ["-m", f"axemu.cli.{program}"] if ours else [str(program)]
        environment = os.environ | {"AXEMU_REPORT": _absolute(report), faces.VARIABLE: "1"}
        if html is not None:
            require("axemu run --html", "report", "vl_convert")
        if trace:
            require("axemu run --trace", "trace", "perfetto")
            environment["AXEMU_TRACE"] = _absolute(trace)
        with Scratch("axemu-run-") as notes, Scratch("axemu-page-") as pages:
            environment[NOTES] = str(notes)
            if html is not None:
                environment["AXEMU_REPORT"] = str(pages / "report.json")
            if not ours and is_binary(program):
                status = run_binary(program, context.args, environment)
            else:
                command = [sys.executable, *start_of, *context.args]
                status = subprocess.run(command, env=environment, check=False).returncode
            if missing := _no_report(notes, str(program)):
                print(f"axemu run: no report: {missing}", file=sys.stderr)
            elif html is not None:
                _pages(
                    sorted(pages.glob("*.json"), key=lambda path: (len(path.name), path.name)), html, report
                )
    raise typer.Exit(status if status >= 0 else 128 - status)  # ended by a signal: as shells say it


def _pages(found: Sequence[Path], html: Path, report: str) -> None:
    """Write a page for the report of each context, and the report itself where it is asked for."""
    from axemu.cli._answers import report_of  # noqa: PLC0415
    from axemu.emulator import text  # noqa: PLC0415
    from axemu.studies import write_report  # noqa: PLC0415

    for number, path in enumerate(found, 1):
        document = report_of(path)
        beside = "" if number == 1 else f"-{number}"
        write_report(html.with_stem(f"{html.stem}{beside}"), document)
        if report == "-":
            wide = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
            print(text(document, wide), file=sys.stderr)
        else:
            shutil.copyfile(path, _free(Path(_absolute(report))))


def _free(path: Path) -> Path:
    """Return a path that nothing has: as the emulator names reports."""
    names = itertools.chain(
        [path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    )
    return next(name for name in names if not name.exists())


def _no_report(notes: Path, program: str) -> str:
    """Say why a program left no report; nothing when it did."""
    if (notes / "report").exists() or program in COMMANDS:
        return ""
    if not (notes / "context").exists():
        return f"{program} never asked for a board (no axelera.runtime.Context, no axr_create_context)"
    return f"{program} asked for boards, and loaded no model onto an emulated one"


@app.command("report")
def show_report(
    path: Annotated[Path, typer.Argument(help="A JSON report that `axemu run` wrote.")],
    *,
    as_json: AsJson = False,
    html: Page = None,
) -> None:
    """Print a report."""
    from axemu.cli._answers import report_of  # noqa: PLC0415

    with exit_on_error("axemu report"):
        if not path.is_file():
            raise InvalidArgument(f"no report {path}; `axemu run --report FILE program.py` writes one")
        document = report_of(path)
        if html is not None:
            from axemu.studies import write_report  # noqa: PLC0415

            write_report(html, document)
        if as_json:
            print(json.dumps(document, indent=1))
            return
        from axemu.emulator import text  # noqa: PLC0415

        print(text(document, columns()))


def _absolute(path: str) -> str:
    return path if path == "-" else str(Path(path).resolve())


def _add_parts() -> None:
    for name in PARTS:
        if importlib.util.find_spec(f"axemu.cli.{name}"):
            part: typer.Typer = importlib.import_module(f"axemu.cli.{name}").app
            app.add_typer(part)


def main() -> None:
    """Run the command."""
    _add_parts()
    start(app)
