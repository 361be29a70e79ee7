"""One node with the values of its inputs, and seeded draws for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.model.program import Node, Program, Tensor, validate

Array = npt.NDArray[Any]
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """One node with the values of its inputs."""

    name: str
    op: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    attributes: Mapping[str, Any]
    constants: Mapping[str, Array]
    values: tuple[Array, ...]

    def program(self) -> Program:
        """Return the checked program of this one node."""
        node = Node(
            self.op,
            self.name,
            tuple(tensor.name for tensor in self.inputs),
            self.output.name,
            dict(self.attributes),
            {role: role for role in self.constants},
        )
        # `constant` reads nothing; a program must have an input all the same.
        sources = self.inputs or (Tensor("unused", (1, 1, 1)),)
        program = Program(
            name=self.name,
            batch=1,
            tensors={tensor.name: tensor for tensor in (*sources, self.output)},
            nodes=(node,),
            inputs=tuple(tensor.name for tensor in sources),
            outputs=(self.output.name,),
            constants=dict(self.constants),
        )
        validate(program)
        return program


class Dice:
    """Seeded draws; only operations whose results are the same on every platform."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.PCG64(seed)

    def int8(self, shape: Sequence[int], low: int = -128) -> Array:
        """Uniform int8 from `low` to 127."""
        count = int(np.prod(shape))
        raw = self._state.random_raw(count) >> np.uint64(32)
        return ((raw % np.uint64(128 - low)).astype(np.int64) + low).astype(np.int8).reshape(shape)

    def reals(self, count: int, low: float, high: float) -> Array:
        """Uniform float32."""
        raw = (self._state.random_raw(count) >> np.uint64(40)).astype(np.float64) / 2.0**24
        return (low + (high - low) * raw).astype(np.float32)
