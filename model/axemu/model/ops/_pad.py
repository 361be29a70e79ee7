"""`pad`: a tensor surrounded by one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Int, Ints, Operator, Shape
from axemu.model.program._program import Node


class Pad(Operator):
    """`before` and `after` rows, columns and channels of the int8 `value`."""

    name: ClassVar[str] = "pad"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {
        "before": Ints(3, 0, 1 << 20),
        "after": Ints(3, 0, 1 << 20),
        "value": Int(-128, 127),
    }

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return the input's shape plus both margins."""
        height, width, channels = (
            sum(sizes)
            for sizes in zip(inputs[0], self.value(node, "before"), self.value(node, "after"), strict=True)
        )
        return height, width, channels

    def exact(self, call: Call) -> Int8Array:
        """The surrounded values; `metis` is the same."""
        margins = list(zip(self.value(call.node, "before"), self.value(call.node, "after"), strict=True))
        return np.pad(call.values[0], margins, constant_values=self.value(call.node, "value"))
