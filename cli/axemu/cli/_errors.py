"""Errors of the SDK as one line on stderr and exit code 1."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator

import typer

from axemu.driver import AxeleraError, InternalError


@contextlib.contextmanager
def exit_on_error(tool: str) -> Iterator[None]:
    """Print what the SDK refuses instead of a traceback; a defect of its own keeps the traceback, for who reports it."""
    try:
        yield
    except BrokenPipeError:
        raise  # for `start`
    except (AxeleraError, OSError) as error:
        if isinstance(error, InternalError) and error.__cause__ is not None:
            traceback.print_exception(error)
        print(f"{tool}: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


def start(app: typer.Typer) -> None:
    """Run a command.

    Whoever reads its output may have seen enough before the end (`| head`), or have an encoding without some character.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # at the end of the process it could only be complained about
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
