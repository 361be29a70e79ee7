"""The integer graph inside a compiled model.

A program describes **one frame**. Every tensor is int8 of shape (H, W, C) in row-major order; a batch-N model runs the
same program on N frames, each bit for bit as if it were alone. Values are real = (q - zero_point) * scale with a
float32 scale. Nodes are in topological order; each has exactly one output tensor and every tensor has one producer
(a node, or the program's input list). Constants live in `program.bin` and are referred to by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.model.passes import CoreProgram

FORMAT_VERSION = 2
"""Version of the program files' layout; bumped when an old reader would misread a new file."""

Attribute = int | float | str | bool | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """An int8 activation of shape (height, width, channels)."""

    name: str
    shape: tuple[int, int, int]
    scale: float = 1.0
    zero_point: int = 0

    @property
    def size(self) -> int:
        """Number of elements, which is the number of bytes."""
        height, width, channels = self.shape
        return height * width * channels


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: `inputs` and `output` name tensors, `constants` maps the operator's roles to constant names."""

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """Graph and constants of one compiled model, and the program that each of its cores executes.

    `constants` may be empty in a structure-only program (timing needs no values). `core` is what the timing model
    executes, None where nobody planned it; numerics never read it.
    """

    name: str
    batch: int
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    core: CoreProgram | None = None

    def constant(self, node: Node, role: str) -> npt.NDArray[Any]:
        """Return the constant that plays `role` in `node`."""
        return self.constants[node.constants[role]]

    def input_tensors(self, node: Node) -> tuple[Tensor, ...]:
        """Return the tensors `node` reads."""
        return tuple(self.tensors[name] for name in node.inputs)


def is_structure_only(program: Program) -> bool:
    """Tell whether the program carries no values and can be timed but not executed."""
    return not program.constants and any(node.constants for node in program.nodes)


INT8_MIN, INT8_MAX = int(np.iinfo(np.int8).min), int(np.iinfo(np.int8).max)
