"""`model.json`: memory pools and the padded buffers of inputs and outputs, with exactly the vendor's known keys."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from axemu.driver import IncompatibleDevice, InvalidArgument, TensorInfo
from axemu.model._files import Reader, is_integer, read_json_object
from axemu.model._limits import MAX_TENSOR_BYTES

ALIGNMENT = 64
INPUT_POOL, OUTPUT_POOL = "ddr_input", "ddr_output"
MODEL_VERSIONS = {"1.6": 4, "1.8": 5}
"""The major version of compiled models by release of the vendor's SDK. What 5.0 changes inside is not published."""
RELEASE_VARIABLE = "AXEMU_SDK"
_MAX_TENSORS, _MAX_POOLS, _MAX_RANK = 64, 256, 8
_MAX_POOL_BYTES = 1 << 40
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(\.\d{1,4})*")


@dataclass(frozen=True, slots=True)
class MemoryPool:
    """A region of the board's memory: `size` bytes in "ddr" or "l2", `depth` times for double-buffered I/O."""

    name: str
    size: int
    memory: Literal["ddr", "l2"]
    alignment: int = ALIGNMENT
    depth: int = 1
    blob_file: str | None = None


@dataclass(frozen=True, slots=True)
class IOBuffer:
    """One input or output as model.json knows it: a padded int8 array of `shape`."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class ModelJson:
    """The content of a model.json, checked."""

    version: str
    generation: str
    inputs: tuple[IOBuffer, ...]
    outputs: tuple[IOBuffer, ...]
    pools: tuple[MemoryPool, ...]


def model_json(
    inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], pools: Sequence[MemoryPool] = ()
) -> dict[str, Any]:
    """Build the content of a model.json.

    Args:
        inputs: padded NHWC input buffers of the whole batch; their names are not used (the format has its own).
        outputs: likewise.
        pools: constants and scratch memory; the I/O pools are added unless given.
    """
    input_entries, input_size = _entries("var_input_ifd0", INPUT_POOL, inputs)
    output_entries, output_size = _entries("output_mmio_var", OUTPUT_POOL, outputs)
    given = {pool.name for pool in pools}
    io_pools = [
        MemoryPool(name, size, "ddr", depth=2)
        for name, size in ((INPUT_POOL, input_size), (OUTPUT_POOL, output_size))
        if name not in given
    ]
    entries = [_pool_entry(pool) for pool in (*pools, *io_pools)]
    return {
        "name": "kernel_function",
        "type": "default",
        "version": f"{_written_version()}.0",
        "generation": "omega",
        "memory_pools": entries,
        "inputs": input_entries,
        "outputs": output_entries,
        "kernels": [
            {
                "name": "kernel_function",
                "arguments": [entry["name"] for entry in entries],
                "pipeline_stage": 0,
                "source_file": "kernel_function.c",
                "functions": {},
            }
        ],
    }


def read_model_json(path: Path) -> ModelJson:
    """Read and check a model.json.

    Raises:
        InvalidArgument: it is missing, damaged, or says something impossible.
        IncompatibleDevice: it is of a version this SDK does not know.
    """
    reader = Reader(read_json_object(path), str(path))
    version = _version(reader)
    pools = tuple(_pool(pool) for pool in reader.objects("memory_pools", _MAX_POOLS))
    sizes = {pool.name: pool.size for pool in pools}
    return ModelJson(
        version=version,
        generation=reader.text("generation", "omega"),
        inputs=_buffers(reader, "inputs", sizes),
        outputs=_buffers(reader, "outputs", sizes),
        pools=pools,
    )


def _entries(stem: str, pool: str, tensors: Sequence[TensorInfo]) -> tuple[list[dict[str, Any]], int]:
    entries = []
    offset = 0
    for index, tensor in enumerate(tensors):
        entries.append(
            {
                "name": f"{stem}_{index}" if index else stem,
                "memory_pool": pool,
                "offset": offset,
                "size": tensor.size,
                "shape": list(tensor.shape),
                "dtype": "int8",
            }
        )
        offset += -(-tensor.size // ALIGNMENT) * ALIGNMENT
    return entries, offset


def _written_version() -> int:
    """Return the version that the chosen release writes.

    Raises:
        InvalidArgument: there is no such release.
    """
    release = os.environ.get(RELEASE_VARIABLE) or "1.6"
    if release not in MODEL_VERSIONS:
        raise InvalidArgument(
            f"{RELEASE_VARIABLE} is {release[:20]!r}; the releases are {', '.join(MODEL_VERSIONS)}"
        )
    return MODEL_VERSIONS[release]


def _pool_entry(pool: MemoryPool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": pool.name,
        "size": pool.size,
        "alignment": pool.alignment,
        "memory": pool.memory,
        "depth": pool.depth,
    }
    if pool.blob_file is not None:
        entry["blob_file"] = pool.blob_file
    return entry


def _version(reader: Reader) -> str:
    version = reader.text("version")
    match = _VERSION.fullmatch(version)
    if match is None:
        reader.fail("version", 'a version such as "4.0"')
    if int(match[1]) not in (4, 5):
        raise IncompatibleDevice(
            f"{reader.where}: Unsupported model version: {version}, expected 4.x or 5.x; recompile the model for this SDK"
        )
    return version


def _pool(reader: Reader) -> MemoryPool:
    memory = reader.text("memory")
    if memory not in ("ddr", "l2"):
        reader.fail("memory", '"ddr" or "l2"')
    blob = reader.text("blob_file", "")
    if "/" in blob or "\\" in blob or blob in (".", ".."):
        reader.fail("blob_file", "the name of a file beside model.json")
    return MemoryPool(
        name=reader.text("name"),
        size=reader.integer("size", 0, _MAX_POOL_BYTES),
        memory="l2" if memory == "l2" else "ddr",
        alignment=reader.integer("alignment", 1, 1 << 30, ALIGNMENT),
        depth=reader.integer("depth", 1, 1 << 10, 1),
        blob_file=blob or None,
    )


def _buffers(reader: Reader, key: str, pools: dict[str, int]) -> tuple[IOBuffer, ...]:
    buffers = tuple(_buffer(entry, pools) for entry in reader.objects(key, _MAX_TENSORS))
    if not buffers:
        reader.fail(key, "a list of at least one tensor")
    names = [buffer.name for buffer in buffers]
    if len(set(names)) < len(names):
        raise InvalidArgument(f"{reader.where}: two of {key} have the same name: {', '.join(names)}")
    return buffers


def _buffer(reader: Reader, pools: dict[str, int]) -> IOBuffer:
    shape = reader.items("shape", _MAX_RANK)
    if not shape or not all(is_integer(size) and 0 < size <= MAX_TENSOR_BYTES for size in shape):
        reader.fail("shape", f"a list of 1 to {_MAX_RANK} positive integers")
    buffer = IOBuffer(reader.text("name"), tuple(shape))
    if buffer.size > MAX_TENSOR_BYTES:
        reader.fail("shape", f"a tensor of at most {MAX_TENSOR_BYTES} B")
    if reader.text("dtype", "int8") != "int8":
        reader.fail("dtype", '"int8"')
    if reader.integer("size", 0, MAX_TENSOR_BYTES, buffer.size) != buffer.size:
        reader.fail("size", f"{buffer.size}, the bytes of shape {list(buffer.shape)}")
    offset = reader.integer("offset", 0, _MAX_POOL_BYTES, 0)
    if "memory_pool" in reader:
        pool = reader.text("memory_pool")
        if pool not in pools:
            reader.fail("memory_pool", "the name of one of memory_pools")
        if offset + buffer.size > pools[pool]:
            reader.fail("offset", f"room for {buffer.size} B within the {pools[pool]} B of pool {pool}")
    return buffer
