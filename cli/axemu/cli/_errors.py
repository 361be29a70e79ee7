"""How every command ends: 0; 1 for work that failed, one line on stderr; 2 for bad options; 130 after Ctrl-C."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import traceback
from collections.abc import Iterator

import typer

from axemu.driver import AxeleraError, InternalError

INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""


@contextlib.contextmanager
def exit_on_error(tool: str) -> Iterator[None]:
    """Print what the SDK refuses instead of a traceback; a defect of its own keeps the traceback, for who reports it."""
    try:
        yield
    except BrokenPipeError:
        raise  # for `start`
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    except (AxeleraError, OSError) as error:
        if isinstance(error, InternalError) and error.__cause__ is not None:
            traceback.print_exception(error)
        print(f"{tool}: {said(error)}", file=sys.stderr)
        raise typer.Exit(1) from error


def said(error: BaseException) -> str:
    """Return an error in words: the system's names the file first, without number and quotes."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, AxeleraError):
        names = [
            os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)
        ]
        return ": ".join([" and ".join(names), error.strerror]) if names else error.strerror
    return str(error)


def require(tool: str, extra: str, *packages: str) -> None:
    """End the command before it has worked for nothing, if a package of an extra is missing.

    Raises:
        typer.Exit: with status 1, having said what to install.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        print(f"{tool}: needs {', '.join(missing)}: pip install 'axemu[{extra}]'", file=sys.stderr)
        raise typer.Exit(1)


def start(app: typer.Typer) -> None:
    """Run a program.

    Whoever reads its output may have seen enough before the end (`| head`), or have an encoding without some character.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if not sys.stderr.isatty():
        app.rich_markup_mode = None  # frames and folded lines are for people
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # at the end of the process it could only be complained about
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (AxeleraError, OSError):  # of a command that does not name itself
        try:
            with exit_on_error(os.path.basename(sys.argv[0])):  # noqa: PTH119  argv holds text
                raise
        except typer.Exit as end:
            sys.exit(end.exit_code)
