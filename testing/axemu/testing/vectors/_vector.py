"""A golden vector: a program, frames for it, and the checksum of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from axemu.model.ops import Numerics, execute_taps
from axemu.model.program import Node, Program

Int8Array = npt.NDArray[np.int8]
Kind = Literal["operator", "pattern", "network"]
MAX_OUTPUTS = 64
"""Outputs that a model.json may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """A program and the frames it is fed: int8 (H, W, C) by input name."""

    name: str
    kind: Kind
    program: Program
    frames: tuple[Mapping[str, Int8Array], ...]

    def opened(self) -> Iterator[Vector]:
        """Yield the vector with every tensor that a node writes as an output: as often as a model's number of outputs asks for."""
        written = tuple(node.output for node in self.program.nodes)
        for start in range(0, len(written), MAX_OUTPUTS):
            yield replace(self, program=replace(self.program, outputs=written[start : start + MAX_OUTPUTS]))

    def producers(self) -> dict[str, Node]:
        """Return the node that writes each tensor."""
        return {node.output: node for node in self.program.nodes}

    def checksum(self) -> str:
        """Return the sha256 of the program and the frames."""
        found = hashlib.sha256()
        for part in _parts(self):
            found.update(part)
        return found.hexdigest()

    def expected(self, numerics: Numerics) -> dict[str, Int8Array]:
        """Return what the specification says of every tensor a node writes: int8 (frames, H, W, C)."""
        runs = [execute_taps(self.program, frame, numerics) for frame in self.frames]
        return {name: np.stack([run[name] for run in runs]) for name in self.producers()}


def digest(values: Int8Array) -> str:
    """Return the first 64 bits of the sha256 of a tensor's values."""
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def _parts(vector: Vector) -> Iterator[bytes]:
    program = vector.program
    for tensor in sorted(program.tensors.values(), key=lambda tensor: tensor.name):
        yield repr(
            (tensor.name, tensor.shape, np.float32(tensor.scale).tobytes(), tensor.zero_point)
        ).encode()
    for node in program.nodes:
        attributes = sorted(node.attributes.items())
        yield repr(
            (node.op, node.name, node.inputs, node.output, attributes, sorted(node.constants.items()))
        ).encode()
    yield repr((program.name, program.inputs, program.outputs)).encode()
    for name, value in sorted(program.constants.items()):
        yield from _array(name, value)
    for frame in vector.frames:
        for name, value in sorted(frame.items()):
            yield from _array(name, value)


def _array(name: str, value: npt.NDArray[Any]) -> Iterator[bytes]:
    yield repr((name, value.shape, str(value.dtype))).encode()
    yield np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
