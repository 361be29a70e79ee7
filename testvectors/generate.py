"""Write the golden vectors: inputs and outputs of every operator in both numerics, made by the specification.

Run `python testvectors/generate.py` after a change of the numerics; it rewrites `vectors/` and `manifest.json`. Vectors
may only change together with `NUMERICS_VERSION`: add the new version's line to `history.json` then.

A vector is one program file pair without a compiled model around it: `<name>.json` holds the node and its tensors,
`<name>.bin` the bytes of constants, inputs and outputs at the offsets named there (little-endian, row-major).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.model.ops import NUMERICS, NUMERICS_VERSION, execute
from axemu.model.program import Tensor
from axemu.testing.vectors import Case, operator_cases

ADDED = {
    "1.1": (
        "conv_add",
        "conv_add_grouped",
        "add_whole_scales",
        "sub_whole_scales",
        "requantize_whole_scales",
    ),
}
"""Vectors that came after those of a version, for operators and attributes that did not exist: lines of `history.json`."""

HERE = Path(__file__).resolve().parent
Array = npt.NDArray[Any]


def write_case(directory: Path, case: Case) -> None:
    """Write `<name>.json` and `<name>.bin`."""
    program = case.program()
    frame = dict(zip(program.inputs, case.values or (np.zeros((1, 1, 1), np.int8),), strict=True))
    arrays: dict[str, Array] = {f"constant:{role}": value for role, value in case.constants.items()}
    arrays |= {f"input:{t.name}": value for t, value in zip(case.inputs, case.values, strict=True)}
    for numerics in NUMERICS:
        arrays[f"output:{numerics}"] = execute(program, frame, numerics)[case.output.name]
    blob, rows = bytearray(), []
    for key, value in arrays.items():
        kind = value.dtype.newbyteorder("<")
        rows.append({"key": key, "dtype": str(value.dtype), "shape": list(value.shape), "offset": len(blob)})
        blob += np.ascontiguousarray(value, kind).tobytes()
    document = {
        "op": case.op,
        "attributes": dict(case.attributes),
        "inputs": [_tensor(tensor) for tensor in case.inputs],
        "output": _tensor(case.output),
        "arrays": rows,
    }
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    (directory / f"{case.name}.json").write_text(text, encoding="utf-8")
    (directory / f"{case.name}.bin").write_bytes(bytes(blob))


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "scale": float(np.float32(tensor.scale)),
        "zero_point": tensor.zero_point,
    }


def manifest_of(directory: Path) -> dict[str, Any]:
    """Return the manifest of a directory of vectors: numerics version and the sha256 of every file."""
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())
    }
    return {"numerics_version": NUMERICS_VERSION, "files": hashes}


def generate(directory: Path) -> None:
    """Write all vectors and their manifest into `directory`, which must not hold vectors yet."""
    vectors = directory / "vectors"
    vectors.mkdir(parents=True)
    for case in operator_cases():
        write_case(vectors, case)
    text = json.dumps(manifest_of(vectors), indent=1, sort_keys=True) + "\n"
    (directory / "manifest.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Rewrite the committed vectors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--directory", type=Path, default=HERE, help="where vectors/ and manifest.json are written"
    )
    directory = parser.parse_args().directory
    for path in sorted((directory / "vectors").glob("*")):
        path.unlink()
    if (directory / "vectors").is_dir():
        (directory / "vectors").rmdir()
    generate(directory)


if __name__ == "__main__":
    main()
