"""`axemu vectors`: golden vectors on any driver."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson

if TYPE_CHECKING:
    from axemu.testing.vectors import Outcome

app = typer.Typer(add_completion=False)
vectors = typer.Typer(
    no_args_is_help=True, help="Golden vectors of the numerics: list, verify, record, export."
)
app.add_typer(vectors, name="vectors")

Names = Annotated[list[str] | None, typer.Argument(help="Names or patterns such as 'conv_*'. Default: all.")]
DriverName = Annotated[
    str,
    typer.Option(help="emulator, native (a card), function (the specification), or one that is registered."),
]
Models = Annotated[
    Path | None,
    typer.Option(
        help="Where another compiler put compiled models of the exported networks: DIR/NAME/model.json."
    ),
]


class NumericsName(StrEnum):
    """Numerics of an emulated board."""

    metis = "metis"
    exact = "exact"


@vectors.command("list")
def list_vectors(names: Names = None, *, as_json: AsJson = False) -> None:
    """List vectors: kind, operators, frames, tolerance in steps."""
    with exit_on_error("axemu vectors list"):
        from axemu.testing.vectors import find, load_manifest  # noqa: PLC0415  as in the commands below: they alone need it

        known = load_manifest()
        rows = [
            {
                "name": vector.name,
                "kind": vector.kind,
                "operators": len(vector.program.nodes),
                "frames": len(vector.frames),
                "tolerance": known.entries[vector.name].tolerance,
            }
            for vector in find(tuple(names or ()))
        ]
        if as_json:
            print(json.dumps(rows, indent=1))
            return
        print(f"{'name':<32} {'kind':<8} {'operators':>9} {'frames':>6} {'tolerance':>9}")
        for row in rows:
            print("{name:<32} {kind:<8} {operators:>9} {frames:>6} {tolerance:>9}".format_map(row))
        print(f"{len(rows)} vectors, numerics {known.numerics_version}")


@vectors.command()
def verify(
    names: Names = None,
    driver: DriverName = "emulator",
    numerics: Annotated[NumericsName, typer.Option(help="What the driver computes in.")] = NumericsName.metis,
    models: Models = None,
    recording: Annotated[
        Path | None, typer.Option(help="Compare what `axemu vectors record` wrote; no board is needed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a driver to the vectors; name the first tensor that differs, with coordinates.

    Programs of this SDK are held to every bit of every tensor; compiled models of another compiler, and recordings, to the tolerance of
    each vector on its outputs. Exit code 1 if something differs.
    """
    with exit_on_error("axemu vectors verify"):
        from axemu.testing import vectors as golden  # noqa: PLC0415

        of_a_board = (driver, numerics, models) != ("emulator", NumericsName.metis, None)
        if recording is not None and of_a_board:
            raise typer.BadParameter(
                "--recording needs no board: leave --driver, --numerics and --models out"
            )
        chosen = golden.find(tuple(names or ()))
        if recording is not None:
            _tell(golden.verify_recorded(chosen, recording), f"recording {recording}", as_json=as_json)
            return
        board = golden.make_driver(driver, numerics.value)
        try:
            if models is None:
                outcomes, where = golden.verify(board, chosen, numerics.value), f"numerics {numerics}"
            else:
                outcomes, where = golden.verify_compiled(board, chosen, models), f"models {models}"
            _tell(outcomes, f"driver {driver}, {where}", as_json=as_json)
        finally:
            board.close()


@vectors.command()
def record(
    output: Annotated[Path, typer.Option(help="Directory for a file NAME.axrec of each vector.")],
    names: Names = None,
    driver: DriverName = "emulator",
    models: Models = None,
) -> None:
    """Run vectors and write down what the boards of a driver give."""
    with exit_on_error("axemu vectors record"):
        from axemu.testing import vectors as golden  # noqa: PLC0415

        board = golden.make_driver(driver)
        try:
            _tell(
                golden.record_vectors(board, golden.find(tuple(names or ())), output, models),
                f"driver {driver}",
                "recorded",
            )
        finally:
            board.close()


@vectors.command()
def export(
    output: Annotated[Path, typer.Option(help="Directory for a directory NAME of each vector.")],
    names: Names = None,
) -> None:
    """Write vectors for other compilers: QDQ ONNX, frames, expected outputs, tolerance."""
    with exit_on_error("axemu vectors export"):
        from axemu.testing import vectors as golden  # noqa: PLC0415

        chosen = golden.find(tuple(names or ()))
        for vector in chosen:
            golden.export(vector, output)
        print(f"{output}: {len(chosen)} vectors")


def _tell(
    outcomes: Iterable[Outcome], where: str, done: str = "as they must be", *, as_json: bool = False
) -> None:
    start, known = time.perf_counter(), []
    for outcome in outcomes:
        known.append(outcome)
        if not (outcome.passed or as_json):
            print(outcome, flush=True)
    seconds = time.perf_counter() - start
    if not known:
        raise FileNotFoundError("nothing to do: there is no directory or file with the name of a vector")
    passed = sum(outcome.passed for outcome in known)
    if as_json:
        print(json.dumps([{"passed": one.passed, **asdict(one)} for one in known], indent=1))
    else:
        print(f"{passed} of {len(known)} vectors {done} ({where}; {seconds:.1f} s)")
    if passed < len(known):
        raise typer.Exit(1)
