"""`axemu warm`: generate the machine code of the compute paths before it is needed."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error

app = typer.Typer(add_completion=False)


@app.command()
def warm(
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="A compute path; may be repeated. Default: the one this CPU uses, and portable code."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All paths this CPU can run.")] = False,
) -> None:
    """Generate the kernels of the compute core, so that no first run has to wait for them."""
    from axemu.emulator.compute import available_paths, generate  # noqa: PLC0415  only this command needs them

    available = available_paths()
    chosen = path or (list(available) if everything else list(dict.fromkeys((available[0], "portable"))))
    with exit_on_error("axemu warm"):
        for name in chosen:
            start = time.perf_counter()
            file = generate(name)
            print(f"{name}: {file} ({time.perf_counter() - start:.1f} s)")
