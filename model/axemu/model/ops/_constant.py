"""`constant`: an int8 tensor stored in the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import Call, Operator, Shape
from axemu.model.program._program import Node


class Constant(Operator):
    """The stored value."""

    name: ClassVar[str] = "constant"
    is_view: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int]] = (0, 0)
    constants: ClassVar[Mapping[str, str]] = {"value": "int8"}

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],  # noqa: ARG002
        declared: Shape | None = None,
    ) -> Shape:
        """Return the declared shape."""
        if declared is None:
            raise InvalidArgument(f"node {node.name!r} (constant): its shape must be declared")
        return declared

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        output: Shape,
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return the shape of the value, which is that of the output."""
        return {"value": (output,)}

    def exact(self, call: Call) -> Int8Array:
        """The value; `metis` is the same."""
        return np.array(call.constants["value"], np.int8)
