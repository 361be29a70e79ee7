"""The two files of a program: `program.json` (graph, the program of a core, hashes) and `program.bin` (constants)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import IncompatibleDevice, InvalidArgument, path_errors
from axemu.model._limits import MAX_BATCH
from axemu.model.ops._version import NUMERICS_VERSION
from axemu.model.program._core_codec import decode_core, encode_core
from axemu.model.program._fields import Field, read_json
from axemu.model.program._program import FORMAT_VERSION, Attribute, Node, Program, Tensor, is_structure_only
from axemu.model.program._validate import MAX_ENTRIES, validate

PROGRAM_JSON = "program.json"
PROGRAM_BIN = "program.bin"
COVERED = ("model.json", "manifest.json", PROGRAM_BIN)
"""Files whose hashes program.json carries."""

ALIGNMENT = 64
MAX_BIN_BYTES = 1 << 34
_DTYPES: dict[str, np.dtype[Any]] = {
    "int8": np.dtype("<i1"),
    "int32": np.dtype("<i4"),
    "float32": np.dtype("<f4"),
}
_INTEGERS = (-(1 << 40), 1 << 40)


def write_program(directory: Path | str, program: Program) -> None:
    """Write `program.json` and `program.bin` into a directory that holds model.json and manifest.json already.

    Equal programs give equal bytes. The files are written in place: whoever needs a directory that appears at once
    writes into a temporary one and renames it.

    Args:
        directory: the compiled model's directory.
        program: a program with values.

    Raises:
        InvalidArgument: the program is not valid or has no values, or model.json or manifest.json is missing.
    """
    folder = Path(directory)
    validate(program)
    if is_structure_only(program):
        raise InvalidArgument(
            f"program {program.name!r} carries no values: only a compiled program can be written"
        )
    rows = _write_constants(folder / PROGRAM_BIN, program.constants)
    document = {
        "format_version": FORMAT_VERSION,
        "numerics_version": NUMERICS_VERSION,
        "files": {name: _fingerprint(_inside(folder, name, InvalidArgument)) for name in COVERED},
        "name": program.name,
        "batch": program.batch,
        "inputs": list(program.inputs),
        "outputs": list(program.outputs),
        "tensors": [
            [tensor.name, list(tensor.shape), float(np.float32(tensor.scale)), tensor.zero_point]
            for _, tensor in sorted(program.tensors.items())
        ],
        "nodes": [
            {
                "op": node.op,
                "name": node.name,
                "inputs": list(node.inputs),
                "output": node.output,
                "attributes": dict(node.attributes),
                "constants": dict(node.constants),
            }
            for node in program.nodes
        ],
        "constants": rows,
        "core": encode_core(program.core),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    (folder / PROGRAM_JSON).write_bytes(text.encode() + b"\n")


def read_program(directory: Path | str) -> Program:
    """Read and check the program of a compiled model; constants are read only.

    They are read into memory, and what was read is what is checked: of a mapped file a part may change afterwards, or go,
    which ends the process that touches it.

    Raises:
        IncompatibleDevice: there is no program (a directory of the vendor's compiler), or a version of format or
            numerics that this SDK does not have.
        InvalidArgument: a file is damaged, has changed since it was compiled, or breaks a rule; names file and field.
    """
    folder = Path(directory)
    with path_errors(InvalidArgument, folder):
        return _read_program(folder)


def _read_program(folder: Path) -> Program:
    root = read_json(_inside(folder, PROGRAM_JSON, IncompatibleDevice))
    for key, version in (("format_version", FORMAT_VERSION), ("numerics_version", NUMERICS_VERSION)):
        found = root.member(key).integer(0, 1 << 30)
        if found != version:
            raise IncompatibleDevice(
                f"{PROGRAM_JSON}: {key} is {found}, this SDK has {version}; compile the model again ({folder})"
            )
    files = root.member("files")
    for name in COVERED:
        _inside(folder, name, IncompatibleDevice)
    for name in COVERED:
        if name != PROGRAM_BIN:
            _check_fingerprint(folder / name, files.member(name))
    memory = _read_checked(folder / PROGRAM_BIN, files.member(PROGRAM_BIN))
    program = Program(
        name=root.member("name").text(),
        batch=root.member("batch").integer(1, MAX_BATCH),
        tensors=MappingProxyType({tensor.name: tensor for tensor in _tensors(root.member("tensors"))}),
        nodes=tuple(_node(field) for field in root.member("nodes").items(MAX_ENTRIES)),
        inputs=root.member("inputs").texts(MAX_ENTRIES),
        outputs=root.member("outputs").texts(MAX_ENTRIES),
        constants=_constants(memory, root.member("constants")),
        core=decode_core(root.member("core"), root.member("name").text()),
    )
    if is_structure_only(program):
        raise InvalidArgument(f"{PROGRAM_JSON}: constants are missing; compile the model again ({folder})")
    try:
        validate(program)
    except InvalidArgument as error:
        raise InvalidArgument(f"{PROGRAM_JSON}: {error}\ncompile the model again ({folder})") from error
    return program


def _inside(folder: Path, name: str, missing: type[IncompatibleDevice | InvalidArgument]) -> Path:
    path = folder / name
    if not path.is_file():
        raise missing(
            f"compiled model {folder}: {name} is missing; it holds what the emulated board executes."
            " Compile the ONNX model again with this SDK (axcompile)"
        )
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidArgument(
            f"compiled model {folder}: {name} is a link to a file outside the directory; copy it there (cp -L)"
        )
    return path


def _fingerprint(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _check_fingerprint(path: Path, expected: Field) -> None:
    _check_size(path, path.stat().st_size, expected)
    _check_hash(path, _fingerprint(path)["sha256"], expected)


def _read_checked(path: Path, expected: Field) -> npt.NDArray[np.uint8]:
    """Return the content of a file, at an address that is a multiple of `ALIGNMENT`, read only."""
    size = _check_size(path, path.stat().st_size, expected)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    content = memory[start : start + size]
    with path.open("rb", buffering=0) as stream:
        done = 0
        while done < size and (count := stream.readinto(content[done:].data)):
            done += count
    _check_size(path, done, expected)
    _check_hash(path, hashlib.sha256(content.data).hexdigest(), expected)
    content.flags.writeable = False
    return content


def _check_size(path: Path, found: int, expected: Field) -> int:
    size = expected.member("bytes").integer(0, MAX_BIN_BYTES)
    if found != size:
        raise InvalidArgument(
            f"{path.name}: has {found} bytes, expected {size}: truncated or changed since it was"
            f" compiled; compile the model again ({path})"
        )
    return size


def _check_hash(path: Path, found: str, expected: Field) -> None:
    if found != expected.member("sha256").text():
        raise InvalidArgument(
            f"{path.name}: sha256 differs from the one in {PROGRAM_JSON}: damaged or changed since it was compiled;"
            f" compile the model again ({path})"
        )


def _write_constants(path: Path, constants: Mapping[str, npt.NDArray[Any]]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    with path.open("wb") as stream:
        for name, value in sorted(constants.items()):
            stream.write(bytes(-stream.tell() % ALIGNMENT))
            rows.append([name, str(value.dtype), list(value.shape), stream.tell()])
            stream.write(np.ascontiguousarray(value, _DTYPES[str(value.dtype)]).tobytes())
    return rows


def _constants(memory: npt.NDArray[np.uint8], table: Field) -> Mapping[str, npt.NDArray[Any]]:
    rows, size = table.items(MAX_ENTRIES), memory.size
    constants: dict[str, npt.NDArray[Any]] = {}
    for row in rows:
        cells = row.items(4)
        if len(cells) != 4:
            raise InvalidArgument(
                f"{row.path}: has {len(cells)} entries, expected name, dtype, shape, offset"
            )
        name, kind = cells[0].text(), cells[1].text()
        if kind not in _DTYPES:
            raise InvalidArgument(f"{row.path}: dtype is {kind!r}, expected one of {', '.join(_DTYPES)}")
        if name in constants:
            raise InvalidArgument(f"{row.path}: constant {name!r} is defined twice")
        shape = cells[2].integers(4, 1, 1 << 34)
        offset = cells[3].integer(0, size)
        length = math.prod(shape) * _DTYPES[kind].itemsize
        if offset % ALIGNMENT or offset + length > size:
            raise InvalidArgument(
                f"{row.path}: constant {name!r} lies at {offset}..{offset + length}, expected a multiple of"
                f" {ALIGNMENT} and at most {size}, the size of {PROGRAM_BIN}"
            )
        constants[name] = memory[offset : offset + length].view(_DTYPES[kind]).reshape(shape)
    return MappingProxyType(constants)


def _tensors(table: Field) -> list[Tensor]:
    tensors: dict[str, Tensor] = {}
    for row in table.items(MAX_ENTRIES):
        cells = row.items(4)
        if len(cells) != 4:
            raise InvalidArgument(
                f"{row.path}: has {len(cells)} entries, expected name, shape, scale, zero point"
            )
        name = cells[0].text()
        sizes = cells[1].integers(3, 1, 1 << 30)
        if len(sizes) != 3:
            raise InvalidArgument(f"{row.path}: shape is {list(sizes)}, expected height, width, channels")
        if name in tensors:
            raise InvalidArgument(f"{row.path}: tensor {name!r} is defined twice")
        shape = (sizes[0], sizes[1], sizes[2])
        tensors[name] = Tensor(name, shape, cells[2].number(), cells[3].integer(*_INTEGERS))
    return list(tensors.values())


def _node(field: Field) -> Node:
    constants = {role: value.text() for role, value in field.member("constants").mapping().items()}
    attributes = {name: _attribute(value) for name, value in field.member("attributes").mapping().items()}
    return Node(
        op=field.member("op").text(),
        name=field.member("name").text(),
        inputs=field.member("inputs").texts(MAX_ENTRIES),
        output=field.member("output").text(),
        attributes=MappingProxyType(attributes),
        constants=MappingProxyType(constants),
    )


def _attribute(field: Field) -> Attribute:
    if isinstance(field.value, list):
        return field.integers(16, *_INTEGERS)
    if isinstance(field.value, bool):
        return field.value
    if isinstance(field.value, str):
        return field.text()
    if isinstance(field.value, int):
        return field.integer(*_INTEGERS)
    return field.number()
