"""What `add`, `sub` and `mul` share: broadcasting and the way back to int8."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from axemu.driver import InvalidArgument
from axemu.model.ops._float import (
    Float32Array,
    Int8Array,
    dequantise_exact,
    dequantise_metis,
    quantise_exact,
    quantise_metis,
    round_f18,
)
from axemu.model.ops._operator import CLAMP, SCALES, AttributeRule, Call, Operator, Shape
from axemu.model.program._program import Node


class Elementwise(Operator):
    """Both operands made real, combined in float32, quantised again.

    The second operand may be (1, 1, C), (1, 1, 1) or (H, W, 1); the output has the shape of the first.
    """

    is_pointwise: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int]] = (2, 2)
    attributes: ClassVar[Mapping[str, AttributeRule]] = {**CLAMP, **SCALES}

    @abstractmethod
    def combine(self, left: Float32Array, right: Float32Array) -> Float32Array:
        """Return the float32 result of one operation per element."""

    def infer_shape(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return the shape of the first operand."""
        (height, width, channels), second = inputs
        allowed = ((height, width, channels), (1, 1, channels), (1, 1, 1), (height, width, 1))
        if second not in allowed:
            wanted = ", ".join(map(str, dict.fromkeys(allowed)))
            raise InvalidArgument(f"the second operand has shape {second}, expected one of {wanted}")
        return inputs[0]

    def exact(self, call: Call) -> Int8Array:
        """DequantizeLinear both, combine, QuantizeLinear, each step in float32."""
        left, right = (
            dequantise_exact(values, tensor.scale, tensor.zero_point)
            for values, tensor in zip(call.values, call.inputs, strict=True)
        )
        low, high = self.value(call.node, "qmin"), self.value(call.node, "qmax")
        return quantise_exact(self.combine(left, right), call.output.scale, call.output.zero_point, low, high)

    def metis(self, call: Call) -> Int8Array:
        """Both times f18(scale), or the scale itself, combine, f18, quantise."""
        rounds = self.value(call.node, "round_scales")
        left, right = (
            dequantise_metis(values, tensor.scale, tensor.zero_point, round_scale=rounds)
            for values, tensor in zip(call.values, call.inputs, strict=True)
        )
        low, high = self.value(call.node, "qmin"), self.value(call.node, "qmax")
        real = round_f18(self.combine(left, right))
        return quantise_metis(real, call.output.scale, call.output.zero_point, low, high)
