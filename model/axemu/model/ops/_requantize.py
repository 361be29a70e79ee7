"""`requantize`: the same real values in another scale and zero point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from axemu.model.ops._float import (
    Int8Array,
    dequantise_exact,
    dequantise_metis,
    quantise_exact,
    quantise_metis,
)
from axemu.model.ops._operator import SCALES, AttributeRule, Call
from axemu.model.ops._unary import Unary


class Requantize(Unary):
    """From the input tensor's scale and zero point to the output tensor's."""

    name: ClassVar[str] = "requantize"
    moves_values: ClassVar[bool] = True
    is_pointwise: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = True
    passes_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = SCALES

    def exact(self, call: Call) -> Int8Array:
        """DequantizeLinear, QuantizeLinear."""
        tensor, output = call.inputs[0], call.output
        real = dequantise_exact(call.values[0], tensor.scale, tensor.zero_point)
        return quantise_exact(real, output.scale, output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """Times f18(s_in), or s_in itself, quantise."""
        tensor, output = call.inputs[0], call.output
        rounds = self.value(call.node, "round_scales")
        real = dequantise_metis(call.values[0], tensor.scale, tensor.zero_point, round_scale=rounds)
        return quantise_metis(real, output.scale, output.zero_point)
