"""Vectors for other compilers, and what other boards made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from axemu.driver import AxeleraError, Driver, InvalidArgument, Scratch
from axemu.model.ops import NUMERICS, NUMERICS_VERSION
from axemu.studies import Recorded, Recording, qdq_network, read_recording, write_recording
from axemu.testing.vectors._board import board
from axemu.testing.vectors._manifest import load_manifest
from axemu.testing.vectors._vector import Int8Array, Vector
from axemu.testing.vectors._verify import Outcome, within_tolerance

SUFFIX = ".axrec"


def export(vector: Vector, directory: Path) -> None:
    """Write a vector as files that need nothing of this SDK: `directory`/<name>, which must not be there.

    network.onnx is the program in the QDQ form, frames.npz holds int8 (frames, H, W, C) by input, expected.npz the same by output
    and numerics (`y/metis`), calibration.npz the frames as real float32 (frames, C, H, W); vector.json says the rest.

    Raises:
        InvalidArgument: the directory is there already.
    """
    target = directory / vector.name
    if target.exists():
        raise InvalidArgument(f"{target} is there already; remove it, or give another directory")
    directory.mkdir(parents=True, exist_ok=True)
    with Scratch(f".{vector.name[:40]}.axemu-", directory) as made:
        folder = made / vector.name
        folder.mkdir()
        _write(vector, folder)
        folder.rename(target)


def record_vectors(
    driver: Driver, vectors: Iterable[Vector], directory: Path, models: Path | None = None
) -> Iterator[Outcome]:
    """Run vectors and write what a board gave into `directory`/<name>.axrec; yield what became of each.

    Args:
        driver: not closed.
        vectors: see `find`.
        directory: made if needed.
        models: where another compiler put their compiled models, `models`/<name>; vectors that have none are passed over.
            Without it the vectors' programs run.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with board(driver) as chosen:
        for vector in vectors:
            compiled = None if models is None else models / vector.name
            if compiled is not None and not compiled.is_dir():
                continue
            try:
                found = chosen.run(vector, compiled)
            except AxeleraError as error:
                yield Outcome(vector.name, f"does not run: {error}")
                continue
            given = {
                name: np.stack([frame[name] for frame in vector.frames]) for name in vector.program.inputs
            }
            about = {
                "board": chosen.name, "driver": type(driver).__name__, "checksum": vector.checksum(),
                "numerics_version": str(NUMERICS_VERSION),
            }  # fmt: skip
            recording = Recording(vector.name, _recorded(vector, given), _recorded(vector, found), about)
            write_recording(directory / f"{vector.name}{SUFFIX}", recording)
            yield Outcome(vector.name)


def verify_recorded(vectors: Iterable[Vector], directory: Path) -> Iterator[Outcome]:
    """Compare recordings with the specification, within the vectors' tolerances; vectors without one are passed over.

    Raises:
        InvalidArgument: a recording is damaged.
    """
    known = load_manifest()
    for vector in vectors:
        path = directory / f"{vector.name}{SUFFIX}"
        if not path.is_file():
            continue
        recording = read_recording(path)
        if recording.about.get("checksum") != vector.checksum():
            yield Outcome(vector.name, f"{path} was recorded from another program or other inputs")
            continue
        found = {name: tensor.values for name, tensor in recording.outputs.items()}
        yield within_tolerance(vector, found, known.entries[vector.name])


def _recorded(vector: Vector, values: dict[str, Int8Array]) -> dict[str, Recorded]:
    tensors = vector.program.tensors
    return {
        name: Recorded(value, tensors[name].scale, tensors[name].zero_point) for name, value in values.items()
    }


def _write(vector: Vector, folder: Path) -> None:
    program, entry = vector.program, load_manifest().entries[vector.name]
    given = {name: np.stack([frame[name] for frame in vector.frames]) for name in program.inputs}
    real = {name: _planes(values, *_scale(vector, name)) for name, values in given.items()}
    expected: dict[str, Any] = {
        f"{name}/{numerics}": vector.expected(numerics)[name]
        for numerics in NUMERICS
        for name in program.outputs
    }
    (folder / "network.onnx").write_bytes(qdq_network(program).SerializeToString())
    np.savez_compressed(folder / "frames.npz", **given)  # type: ignore[arg-type]
    np.savez_compressed(folder / "calibration.npz", **real)
    np.savez_compressed(folder / "expected.npz", **expected)
    document = {
        "name": vector.name,
        "kind": vector.kind,
        "numerics_version": NUMERICS_VERSION,
        "checksum": entry.checksum,
        "tolerance": entry.tolerance,
        "inputs": [_row(vector, name) for name in program.inputs],
        "outputs": [_row(vector, name) for name in program.outputs],
    }
    (folder / "vector.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _scale(vector: Vector, name: str) -> tuple[float, int]:
    tensor = vector.program.tensors[name]
    return tensor.scale, tensor.zero_point


def _planes(values: Int8Array, scale: float, zero_point: int) -> Any:
    real = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return np.ascontiguousarray(real.transpose(0, 3, 1, 2))


def _row(vector: Vector, name: str) -> dict[str, Any]:
    scale, zero_point = _scale(vector, name)
    return {
        "name": name,
        "shape": list(vector.program.tensors[name].shape),
        "scale": scale,
        "zero_point": zero_point,
    }
