"""`axemu compare`: why results differ, and where first."""

from __future__ import annotations

import json
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Annotated, Any

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from axemu.studies import Comparison, Reduction, Side, TensorComparison

app = typer.Typer(add_completion=False)

_ROWS = 12
_NAME = 30


@app.command()
def compare(
    a: Annotated[
        str,
        typer.Argument(
            help="A compiled model (executed by the compute core; in front of it may stand core:, spec:, core-exact: or spec-exact:), an "
            "ONNX network in float or in the QDQ form, or a recording (.axrec)."
        ),
    ],
    b: Annotated[str, typer.Argument(help="The other side. One of them has to be a compiled model.")],
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            help="A .npy file for each input of the network: float32, frames in front, NCHW. May be repeated."
        ),
    ] = None,
    frames: Annotated[
        int,
        typer.Option(min=1, max=1000, help="Frames of random numbers in [0, 1) where no inputs are given."),
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of these.")] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Show every tensor.")] = False,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with the graph.")] = None,
    reduce: Annotated[
        Path | None,
        typer.Option(
            help="Write the smallest part that still differs as ONNX (QDQ form), its values beside it as .npz."
        ),
    ] = None,
) -> None:
    """Compare two ways of computing a network, tensor by tensor; name where they diverge, and what it looks like.

    Exit code 1 where sides that are to hold the same integers differ.
    """
    with exit_on_error("axemu compare"):
        from axemu import studies  # noqa: PLC0415  as below: only this command needs it

        one, two = studies.read_side(a), studies.read_side(b)
        given = _frames(one, two, inputs or [], frames, seed)
        found = studies.compare(one, two, given)
        if html is not None:
            studies.write_page(html, found)
        if reduce is not None:
            _write_reduction(reduce, studies.reduce(one, two, given, found))
        if as_json:
            print(json.dumps(found.to_dict(), indent=1))
        else:
            _tell(found, everything=everything)
    if found.exact and found.first is not None:
        raise typer.Exit(1)


def _frames(
    one: Side, two: Side, files: list[Path], count: int, seed: int
) -> list[list[npt.NDArray[np.float32]]]:
    """Return float inputs: those of the files, or random ones; none against a recording, which has its own."""
    import numpy as np  # noqa: PLC0415

    from axemu.driver import InvalidArgument  # noqa: PLC0415
    from axemu.studies import ProgramSide, RecordingSide  # noqa: PLC0415

    if files:
        arrays = [_array(path) for path in files]
        if len({len(array) for array in arrays}) != 1:
            raise InvalidArgument(
                f"inputs have {[len(array) for array in arrays]} frames, expected the same number"
            )
        return [
            [array[index : index + 1].astype(np.float32) for array in arrays]
            for index in range(len(arrays[0]))
        ]
    if isinstance(one, RecordingSide) or isinstance(two, RecordingSide):
        return []
    shapes = next((side.input_shapes() for side in (one, two) if isinstance(side, ProgramSide)), [])
    rng = np.random.default_rng(seed)
    return [[rng.random(shape, dtype=np.float32) for shape in shapes] for _ in range(count)]


def _array(path: Path) -> npt.NDArray[Any]:
    """Return what a .npy file holds, frames in front."""
    import numpy as np  # noqa: PLC0415

    from axemu.driver import InvalidArgument  # noqa: PLC0415

    try:
        found = np.load(
            path, mmap_mode="r", allow_pickle=False
        )  # mapped: what a header claims is not allocated
    except (ValueError, EOFError, TokenError) as error:
        raise InvalidArgument(f"inputs {path}: no .npy file: {error}") from error
    if not isinstance(found, np.ndarray) or found.ndim < 2 or found.dtype.kind not in "fiu":
        raise InvalidArgument(
            f"inputs {path}: expected one array of numbers, frames in front, in a .npy file"
        )
    return found


def _write_reduction(path: Path, found: Reduction) -> None:
    import numpy as np  # noqa: PLC0415

    from axemu.model import replacing  # noqa: PLC0415

    with replacing(path) as temporary:
        temporary.write_bytes(found.network.SerializeToString())
    values: dict[str, Any] = {f"input/{name}": value for name, value in found.inputs.items()}
    with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, found=found.found, expected=found.expected, **values)


def _tell(found: Comparison, *, everything: bool) -> None:
    print(f"{found.examined}\n  against {found.reference}")
    equal = sum(entry.accumulated.equal for entry in found.tensors)
    print(
        f"{found.frames} frame{'s' if found.frames > 1 else ''}, {len(found.tensors)} tensors, {equal} of them equal"
    )
    for note in found.notes:
        print(note)
    divergence = found.divergence
    if divergence is None:
        print(
            "\n"
            + (
                "both hold the same integers"
                if found.exact
                else "no operator is farther off than rounding explains"
            )
        )
    else:
        what = f"{divergence.node} ({divergence.op})" if divergence.node else f"input {divergence.tensor}"
        print(f"\nthey diverge at {what}, tensor {divergence.tensor}")
        for finding in divergence.findings:
            print(f"  - {finding}")
    for tip in found.advice:
        print(f"try: {tip}" if divergence is not None else tip)
    rows = found.tensors if everything else _telling(found)
    if rows:
        _table(found, rows)


def _telling(found: Comparison) -> tuple[TensorComparison, ...]:
    """Return the entries to show: from the divergence on, or the least exact by themselves."""
    if found.first is not None:
        start = next(index for index, entry in enumerate(found.tensors) if entry.tensor == found.first)
        return found.tensors[max(0, start - 2) : start + _ROWS - 2]
    measured = [
        entry for entry in found.tensors if entry.local is not None and entry.local.sqnr_db is not None
    ]
    least = sorted(measured, key=lambda entry: entry.local.sqnr_db or 0.0 if entry.local else 0.0)[:_ROWS]
    return tuple(entry for entry in found.tensors if entry in least)


def _table(found: Comparison, rows: tuple[TensorComparison, ...]) -> None:
    from axemu.studies import decibels, percent  # noqa: PLC0415

    print(
        f"\n  {'tensor':<{_NAME}} {'operator':<11} {'alone':>6} {'all':>6} {'cosine':>7} {'off %':>6} {'most':>5}"
    )
    for entry in rows:
        name = entry.tensor if len(entry.tensor) <= _NAME else "…" + entry.tensor[1 - _NAME :]
        mark = ">" if entry.tensor == found.first else " "
        measure = entry.accumulated
        print(
            f"{mark} {name:<{_NAME}} {entry.op[:11]:<11} {decibels(entry.local):>6} {decibels(measure):>6} {measure.cosine:>7.4f} "
            f"{percent(measure):>6} {measure.largest:>5.3g}"
        )
    if len(rows) < len(found.tensors):
        print(
            f"  {len(rows)} of {len(found.tensors)} tensors (--all shows them); SQNR in dB, values off by a step or more"
        )
