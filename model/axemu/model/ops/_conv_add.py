"""`conv_add`: a convolution to whose real values another tensor is added before anything is rounded to int8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._accumulate import real_exact, real_metis
from axemu.model.ops._conv import Conv
from axemu.model.ops._float import (
    Float32Array,
    Int8Array,
    centred,
    dequantise_exact,
    quantise_metis,
    round_f18,
    to_int8,
)
from axemu.model.ops._operator import Call, Shape
from axemu.model.program._program import Node


class ConvAdd(Conv):
    """The second input has the shape of the output; nothing can be fused behind it for free but a clamp."""

    name: ClassVar[str] = "conv_add"
    arity: ClassVar[tuple[int, int]] = (2, 2)
    takes_epilogue: ClassVar[bool] = False
    absorbs_gain: ClassVar[bool] = False

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return the shape of the convolution, which the second input must have."""
        shape = super().infer_shape(node, inputs[:1], declared or inputs[1])
        if inputs[1] != shape:
            raise InvalidArgument(
                f"the second input has shape {inputs[1]}, expected that of the sum, {shape}"
            )
        return shape

    def exact(self, call: Call) -> Int8Array:
        """float32(sum + bias) * multiplier + float32(q - zp) * (s / s_out), rounded, plus the zero point."""
        other, output = call.inputs[1], call.output
        scaled = real_exact(call, self._sums(call, call.inputs[0].zero_point))
        factor = np.float32(other.scale) / np.float32(output.scale)
        added: Float32Array = scaled + centred(call.values[1], other.zero_point) * factor
        return to_int8(added, *self._bounds(call.node), output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """The convolution's real value plus that of the other tensor, whose scale is not rounded; f18, quantise."""
        other, output = call.inputs[1], call.output
        real = real_metis(call, self._sums(call, 0))
        real = round_f18(real + dequantise_exact(call.values[1], other.scale, other.zero_point))
        return quantise_metis(real, output.scale, output.zero_point, *self._bounds(call.node))

    def _bounds(self, node: Node) -> tuple[int, int]:
        return self.value(node, "qmin"), self.value(node, "qmax")
