"""Errors of the SDK as one line on stderr and exit code 1."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import typer

from axelera.driver import AxeleraError


@contextlib.contextmanager
def told(tool: str) -> Iterator[None]:
    """Print what the SDK refuses instead of a traceback."""
    try:
        yield
    except BrokenPipeError as error:
        # Whoever reads the output has seen enough (`| head`); nothing more can be told, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from error
    except (AxeleraError, OSError) as error:
        print(f"{tool}: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
