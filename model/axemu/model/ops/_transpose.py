"""`transpose`: axes in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Ints, Operator, Shape
from axemu.model.program._program import Node


class Transpose(Operator):
    """Output axis i is input axis perm[i]."""

    name: ClassVar[str] = "transpose"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    is_view: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {"perm": Ints(3, 0, 2)}

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return the permuted shape."""
        perm = self.value(node, "perm")
        if sorted(perm) != [0, 1, 2]:
            raise InvalidArgument(f"attribute 'perm' is {perm}, expected each of 0, 1, 2 once")
        shape = inputs[0]
        return shape[perm[0]], shape[perm[1]], shape[perm[2]]

    def exact(self, call: Call) -> Int8Array:
        """The reordered values; `metis` is the same."""
        return np.ascontiguousarray(call.values[0].transpose(self.value(call.node, "perm")))
