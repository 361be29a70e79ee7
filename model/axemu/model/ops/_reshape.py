"""`reshape`: the same bytes in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import Call, Operator, Shape
from axemu.model.program._program import Node


class Reshape(Operator):
    """Row-major reinterpretation to the output tensor's shape."""

    name: ClassVar[str] = "reshape"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    is_view: ClassVar[bool] = True

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return the declared shape, which must hold as many values as the input."""
        if declared is None:
            raise InvalidArgument(f"node {node.name!r} (reshape): its shape must be declared")
        if math.prod(declared) != math.prod(inputs[0]):
            raise InvalidArgument(f"the input's shape {inputs[0]} cannot become {declared}: sizes differ")
        return declared

    def exact(self, call: Call) -> Int8Array:
        """The same bytes; `metis` is the same."""
        return call.values[0].reshape(call.output.shape)
