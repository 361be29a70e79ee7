"""`concat`: tensors side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Int, Operator, Shape
from axemu.model.program._program import Node


class Concat(Operator):
    """Inputs joined along axis 0 (height), 1 (width) or 2 (channels)."""

    name: ClassVar[str] = "concat"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int]] = (1, 4096)
    attributes: ClassVar[Mapping[str, AttributeRule]] = {"axis": Int(0, 2)}

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return the joined shape; the other two dimensions must agree."""
        axis = self.value(node, "axis")
        rest = {shape[:axis] + shape[axis + 1 :] for shape in inputs}
        if len(rest) != 1:
            raise InvalidArgument(f"inputs of shapes {list(inputs)} do not join along 'axis' {axis}")
        joined = list(inputs[0])
        joined[axis] = sum(shape[axis] for shape in inputs)
        return cast("Shape", tuple(joined))

    def exact(self, call: Call) -> Int8Array:
        """The values side by side; `metis` is the same."""
        return np.concatenate(call.values, axis=self.value(call.node, "axis"))
