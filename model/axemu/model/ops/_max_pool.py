"""`max_pool`: the largest value of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Operator, Shape
from axemu.model.ops._window import WINDOW, Window
from axemu.model.program._program import Node


class MaxPool(Operator):
    """Maximum of the int8 values; padding is -128, so it never wins (a window of padding only gives -128)."""

    name: ClassVar[str] = "max_pool"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = True
    passes_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = WINDOW

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return (rows, columns, C)."""
        height, width, channels = inputs[0]
        return (*Window.of(self, node).output_size(node, height, width), channels)

    def exact(self, call: Call) -> Int8Array:
        """The maximum; `metis` is the same."""
        window = Window.of(self, call.node)
        rows, columns, _ = call.output.shape
        result: Int8Array = np.full(call.output.shape, -128, np.int8)
        for _, _, view in window.taps(window.padded(call.values[0], -128), rows, columns):
            np.maximum(result, view, out=result)
        return result
