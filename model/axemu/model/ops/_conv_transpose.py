"""`conv_transpose`: every input pixel spreads its weighted kernel over the output."""

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
from axemu.model.ops._operator import AttributeRule, Call, Ints, Operator, Shape
from axemu.model.ops._window import Window
from axemu.model.program._program import Node


class ConvTranspose(Operator):
    """x[h, w] * weight[o, i, j] lands on output (h*sh + i*dh - top, w*sw + j*dw - left).

    It is the convolution of the input stretched by the strides, the gaps and the surroundings holding the input's
    zero point, so that kernel positions without an input pixel contribute weight * zero point in `metis` and nothing
    in `exact`.
    """

    name: ClassVar[str] = "conv_transpose"
    absorbs_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {
        **CONV_ATTRIBUTES,
        "output_padding": Ints(2, 0, 1 << 15, (0, 0)),
    }
    constants: ClassVar[Mapping[str, str]] = CONV_CONSTANTS

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return ((H-1)*sh + extent - pads + output_padding, likewise W, O)."""
        height, width, channels = inputs[0]
        outputs = channels if declared is None else declared[2]
        problems = check_conv(self, node, channels, outputs)
        window = Window.of(self, node)
        extra = self.value(node, "output_padding")
        top, left, bottom, right = window.pads
        rows = (height - 1) * window.strides[0] + window.extent[0] - top - bottom + extra[0]
        columns = (width - 1) * window.strides[1] + window.extent[1] - left - right + extra[1]
        if rows < 1 or columns < 1:
            problems.append(f"attribute 'pads' {window.pads} leaves no output ({rows}x{columns})")
        if problems:
            raise InvalidArgument("; ".join(problems))
        return rows, columns, outputs

    def constant_shapes(
        self, node: Node, inputs: Sequence[Shape], output: Shape
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return the shapes of the constants."""
        return conv_constant_shapes(self, node, inputs, output)

    def exact(self, call: Call) -> Int8Array:
        """As `conv`, from sums of weight * (q - zero point)."""
        tensor = call.inputs[0]
        sums = self._spread(call, tensor.zero_point)
        gaps = fill_value(tensor.zero_point) - tensor.zero_point
        return requantise_exact(self, call, sums + gaps * self._missing(call))

    def metis(self, call: Call) -> Int8Array:
        """As `conv`, from sums of weight * q."""
        gaps = fill_value(call.inputs[0].zero_point)
        return requantise_metis(self, call, self._spread(call, 0) + gaps * self._missing(call))

    def _spread(self, call: Call, subtracted: int) -> Sums:
        return self._scatter(call, call.values[0].astype(np.int32) - subtracted)

    def _missing(self, call: Call) -> Sums:
        """Sum of the weights whose kernel position meets a gap, per output pixel and channel."""
        met = self._scatter(call, np.ones(call.inputs[0].shape, np.int32))
        total: Sums = call.constants["weight"].astype(np.float64).sum(axis=(1, 2, 3)) - met
        return total

    def _scatter(self, call: Call, values: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> Sums:
        window = Window.of(self, call.node)
        (sh, sw), (dh, dw), (top, left, _, _) = window.strides, window.dilations, window.pads
        height, width, _ = values.shape
        rows, columns, outputs = call.output.shape
        weight = call.constants["weight"]
        # Large enough for every landing place and for output rows that nothing reaches.
        full: Sums = np.zeros(
            (
                max((height - 1) * sh + window.extent[0], top + rows),
                max((width - 1) * sw + window.extent[1], left + columns),
                outputs,
            ),
            np.float64,
        )
        for i in range(window.kernel[0]):
            for j in range(window.kernel[1]):
                product = multiply_tap(values, weight[:, i, j], self.value(call.node, "group"))
                view = full[
                    i * dh : i * dh + (height - 1) * sh + 1 : sh, j * dw : j * dw + (width - 1) * sw + 1 : sw
                ]
                view += product
        return full[top : top + rows, left : left + columns]
