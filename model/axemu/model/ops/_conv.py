"""`conv`: two-dimensional convolution, grouped, dilated, strided; a fully connected layer is a 1x1 case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._accumulate import (
    CONV_ATTRIBUTES,
    CONV_CONSTANTS,
    Sums,
    check_conv,
    conv_constant_shapes,
    fill_value,
    multiply_tap,
    requantise_exact,
    requantise_metis,
)
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Operator, Shape
from axemu.model.ops._window import Window
from axemu.model.program._program import Node


class Conv(Operator):
    """Sum of weight[o, i, j, :] * x[h*sh + i*dh - top, w*sw + j*dw - left, group's channels]."""

    name: ClassVar[str] = "conv"
    takes_epilogue: ClassVar[bool] = True
    absorbs_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = CONV_ATTRIBUTES
    constants: ClassVar[Mapping[str, str]] = CONV_CONSTANTS

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return (rows, columns, O); O is the declared number of channels, by default that of the input."""
        height, width, channels = inputs[0]
        outputs = channels if declared is None else declared[2]
        problems = check_conv(self, node, channels, outputs)
        if problems:
            raise InvalidArgument("; ".join(problems))
        return (*Window.of(self, node).output_size(node, height, width), outputs)

    def constant_shapes(
        self, node: Node, inputs: Sequence[Shape], output: Shape
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return the shapes of the constants."""
        return conv_constant_shapes(self, node, inputs, output)

    def exact(self, call: Call) -> Int8Array:
        """QLinearConv."""
        return requantise_exact(self, call, self._sums(call, call.inputs[0].zero_point))

    def metis(self, call: Call) -> Int8Array:
        """The convolution of the vendor's reference arithmetic; zero points enter through the offset only."""
        return requantise_metis(self, call, self._sums(call, 0))

    def _sums(self, call: Call, subtracted: int) -> Sums:
        window = Window.of(self, call.node)
        rows, columns, outputs = call.output.shape
        fill = fill_value(call.inputs[0].zero_point)
        values = window.padded(call.values[0], fill).astype(np.int32) - subtracted
        weight = call.constants["weight"]
        sums: Sums = np.zeros((rows, columns, outputs), np.float64)
        for i, j, view in window.taps(values, rows, columns):
            sums += multiply_tap(view, weight[:, i, j], self.value(call.node, "group"))
        return sums
