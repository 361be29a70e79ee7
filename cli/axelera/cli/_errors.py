"""Errors of the SDK as one line on stderr and exit code 1."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import typer

from axelera.driver import AxeleraError


@contextlib.contextmanager
def told(tool: str) -> Iterator[None]:
    """Print what the SDK refuses instead of a traceback."""
    try:
        yield
    except (AxeleraError, OSError) as error:
        print(f"{tool}: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
