"""`affine`: x * multiplier + addend per channel, on real values (an unfolded batch normalisation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from axemu.model.ops._float import (
    Int8Array,
    dequantise_exact,
    dequantise_metis,
    quantise_exact,
    quantise_metis,
    round_f18,
)
from axemu.model.ops._operator import CLAMP, AttributeRule, Call, Shape
from axemu.model.ops._unary import Unary
from axemu.model.program._program import Node


class Affine(Unary):
    """Multiplier and addend are real numbers, stored as float32 (C,)."""

    name: ClassVar[str] = "affine"
    is_pointwise: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = CLAMP
    constants: ClassVar[Mapping[str, str]] = {"multiplier": "float32", "addend": "float32"}

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        output: Shape,  # noqa: ARG002
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return (C,) for both."""
        channels = inputs[0][2]
        return {"multiplier": ((channels,),), "addend": ((channels,),)}

    def exact(self, call: Call) -> Int8Array:
        """DequantizeLinear, Mul, Add, QuantizeLinear in float32."""
        tensor, output = call.inputs[0], call.output
        real = dequantise_exact(call.values[0], tensor.scale, tensor.zero_point)
        real = real * call.constants["multiplier"] + call.constants["addend"]
        return quantise_exact(real, output.scale, output.zero_point, *self._bounds(call.node))

    def metis(self, call: Call) -> Int8Array:
        """Times f18(s_in), times f18(multiplier), f18, plus f18(addend), f18, quantise."""
        tensor, output = call.inputs[0], call.output
        real = dequantise_metis(call.values[0], tensor.scale, tensor.zero_point)
        real = round_f18(real * round_f18(call.constants["multiplier"]))
        real = round_f18(real + round_f18(call.constants["addend"]))
        return quantise_metis(real, output.scale, output.zero_point, *self._bounds(call.node))

    def _bounds(self, node: Node) -> tuple[int, int]:
        return self.value(node, "qmin"), self.value(node, "qmax")
