"""`axemu capi`: the C face, for programs in C and C++."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from axemu import faces
from axemu.cli._errors import exit_on_error
from axemu.driver import Scratch, create_driver

app = typer.Typer(name="capi", add_completion=False, no_args_is_help=True)
_ELF = b"\x7fELF"


@app.callback()
def capi() -> None:
    """Give programs in C and C++ a libaxruntime.so on emulated boards."""


@app.command()
def build(
    directory: Annotated[
        Path, typer.Argument(help="Gets include/axruntime, lib/libaxruntime.so and lib/pkgconfig.")
    ],
    cc: Annotated[str, typer.Option("--cc", help="C compiler; CC or the system's by default.")] = "",
    flags: Annotated[str, typer.Option(help="Further flags, such as '-fsanitize=address'.")] = "",
) -> None:
    """Build the library from the sources in this package; needs a C compiler."""
    from axemu.capi import build_library  # noqa: PLC0415  each command imports what it needs

    with exit_on_error("axemu capi build"):
        print(build_library(directory, cc or None, shlex.split(flags)))


@app.command()
def serve(
    address: Annotated[
        Path | None, typer.Option(help="Socket; where programs look without AXEMU_SERVER by default.")
    ] = None,
    driver: Annotated[str, typer.Option(help="Whose boards; `axemu info` lists drivers.")] = "emulator",
) -> None:
    """Keep one set of boards, and one timeline, until an interrupt; programs start one for themselves otherwise."""
    from axemu.capi import serve, server_address  # noqa: PLC0415

    with exit_on_error("axemu capi serve"):
        faces.first()
        place = (address or server_address()).absolute()
        print(f"boards of driver {driver} at {place}; end with Ctrl-C", flush=True)
        serve(place, driver)


def is_binary(program: Path) -> bool:
    """Tell whether a file is a program for this kind of machine, rather than Python."""
    with program.open("rb") as file:
        return file.read(len(_ELF)) == _ELF


def run_binary(program: Path, arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Run a C program on boards of its own, which report when it has ended; returns its exit code."""
    from axemu.capi import Server  # noqa: PLC0415

    faces.first()
    os.environ.update(environment)  # the boards' options are read in this process
    with (
        Scratch("axemu-run-") as directory,
        Server(lambda: create_driver("emulator"), directory / "server") as server,
    ):
        own = os.environ | {"AXEMU_SERVER": str(server.address)}
        return subprocess.run([str(program.absolute()), *arguments], env=own, check=False).returncode
