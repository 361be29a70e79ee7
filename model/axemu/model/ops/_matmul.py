"""`matmul`: the product of two tensors that are both computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from axemu.driver import InvalidArgument
from axemu.model.ops._accumulate import MAX_TERMS
from axemu.model.ops._float import Int8Array, Int32Array, quantise_metis, round_f18, to_int8, wrap_i32
from axemu.model.ops._operator import AttributeRule, Call, Flag, Operator, Shape
from axemu.model.program._program import Node


class MatMul(Operator):
    """a as (Ha*Wa, Ca) times b as (Hb*Wb, Cb), which is transposed first if `transpose_b`; output (Ha, Wa, N)."""

    name: ClassVar[str] = "matmul"
    arity: ClassVar[tuple[int, int]] = (2, 2)
    attributes: ClassVar[Mapping[str, AttributeRule]] = {"transpose_b": Flag(default=False)}

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return (Ha, Wa, N)."""
        (height, width, depth), second = inputs
        rows, columns = second[0] * second[1], second[2]
        inner, outputs = (columns, rows) if self.value(node, "transpose_b") else (rows, columns)
        if inner != depth:
            raise InvalidArgument(
                f"the first operand has {depth} columns, the second {inner} rows"
                f" (shapes {inputs[0]} and {second}, 'transpose_b' {self.value(node, 'transpose_b')})"
            )
        if depth > MAX_TERMS:
            raise InvalidArgument(f"sums {depth} products per output, expected at most {MAX_TERMS}")
        return height, width, outputs

    def exact(self, call: Call) -> Int8Array:
        """ONNX QLinearMatMul: float32(sum) * float32(float32(s_a * s_b) / s_out), rounded, plus the zero point."""
        scale = np.float32(call.inputs[0].scale) * np.float32(call.inputs[1].scale)
        multiplier = scale / np.float32(call.output.scale)
        return to_int8(self._sums(call).astype(np.float32) * multiplier, -128, 127, call.output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """f18 the sum, times f18(float32(s_a * s_b)), quantise."""
        scale = round_f18(np.float32(call.inputs[0].scale) * np.float32(call.inputs[1].scale))
        real = round_f18(self._sums(call).astype(np.float32)) * scale
        return quantise_metis(real, call.output.scale, call.output.zero_point)

    def _sums(self, call: Call) -> Int32Array:
        """Return the int32 sums of (a - zp_a) * (b - zp_b), shape (Ha, Wa, N)."""
        left, right = (
            (values.astype(np.float64) - tensor.zero_point).reshape(-1, tensor.shape[2])
            for values, tensor in zip(call.values, call.inputs, strict=True)
        )
        if self.value(call.node, "transpose_b"):
            right = right.T
        return wrap_i32(left @ right).reshape(call.output.shape)
