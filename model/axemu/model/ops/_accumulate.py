"""What `conv` and `conv_transpose` share: constants, integer products and the way from sum to int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.model.ops._float import Float32Array, Int8Array, quantise_metis, round_f18, to_int8, wrap_i32
from axemu.model.ops._operator import CLAMP, AttributeRule, Call, Int, Operator, Shape
from axemu.model.ops._window import WINDOW
from axemu.model.program._program import Node

Sums = npt.NDArray[np.float64]
"""Exact integer sums: float64 holds every integer below 2**53, and no sum here reaches 2**41."""

CONV_ATTRIBUTES: Mapping[str, AttributeRule] = {**WINDOW, "group": Int(1, 1 << 24, 1), **CLAMP}
CONV_CONSTANTS: Mapping[str, str] = {
    "weight": "int8",
    "bias_i32": "int32",
    "multiplier": "float32",
    "bias_f18": "float32",
    "scale_f18": "float32",
    "offset_f18": "float32",
}

MAX_TERMS = (1 << 17) - 1
"""Products per output: up to here a sum of int8 products cannot leave int32."""


def fill_value(zero_point: int) -> int:
    """Return what padding holds: the zero point, or the nearest int8 when it lies outside."""
    return min(127, max(-128, zero_point))


def multiply_tap(values: npt.NDArray[Any], weight: npt.NDArray[Any], group: int) -> Sums:
    """Multiply the values a kernel position meets with its weights.

    Args:
        values: integers (rows, columns, I).
        weight: int8 (O, I / group).
        group: number of groups.

    Returns:
        float64 (rows, columns, O).
    """
    rows, columns, _ = values.shape
    outputs, depth = weight.shape
    left = values.reshape(rows * columns, group, depth).astype(np.float64)
    right = weight.reshape(group, outputs // group, depth).astype(np.float64)
    if depth == 1:
        product = left * right[None, :, :, 0]
    else:
        product = np.matmul(left.transpose(1, 0, 2), right.transpose(0, 2, 1)).transpose(1, 0, 2)
    return product.reshape(rows, columns, outputs)


def conv_constant_shapes(
    operator: Operator, node: Node, inputs: Sequence[Shape], output: Shape
) -> Mapping[str, tuple[tuple[int, ...], ...]]:
    """Return the shapes of a convolution's constants: weight (O, kh, kw, I / group), everything else (O,)."""
    depth = inputs[0][2] // operator.value(node, "group")
    shapes: dict[str, tuple[tuple[int, ...], ...]] = dict.fromkeys(CONV_CONSTANTS, ((output[2],),))
    shapes["weight"] = ((output[2], *operator.value(node, "kernel"), depth),)
    return shapes


def check_conv(operator: Operator, node: Node, channels: int, outputs: int) -> list[str]:
    """Return what is wrong with channels, groups and the number of products."""
    group = operator.value(node, "group")
    problems = []
    if channels % group or outputs % group:
        problems.append(
            f"attribute 'group' is {group}, which divides not both {channels} and {outputs} channels"
        )
    kernel = operator.value(node, "kernel")
    terms = kernel[0] * kernel[1] * (channels // group)
    if terms > MAX_TERMS:
        problems.append(f"sums {terms} products per output, expected at most {MAX_TERMS} (int32 accumulator)")
    return problems


def requantise_exact(operator: Operator, call: Call, sums: Sums) -> Int8Array:
    """ONNX QLinearConv: float32(int32 sum + bias) * multiplier, rounded, plus the zero point, saturated."""
    return to_int8(real_exact(call, sums), *_bounds(operator, call.node), call.output.zero_point)


def requantise_metis(operator: Operator, call: Call, sums: Sums) -> Int8Array:
    """f18 the sum, add the bias, f18, subtract the offset, scale, quantise."""
    value = real_metis(call, sums)
    return quantise_metis(value, call.output.scale, call.output.zero_point, *_bounds(operator, call.node))


def real_exact(call: Call, sums: Sums) -> Float32Array:
    """Return what is rounded in `exact` numerics: steps of the output's scale."""
    biased = wrap_i32(sums.astype(np.int64) + call.constants["bias_i32"])
    scaled: Float32Array = biased.astype(np.float32) * call.constants["multiplier"]
    return scaled


def real_metis(call: Call, sums: Sums) -> Float32Array:
    """Return the real values of a convolution in `metis` numerics, before they are quantised."""
    constants = call.constants
    value = round_f18(wrap_i32(sums).astype(np.float32))
    value = round_f18(value + constants["bias_f18"])
    real: Float32Array = (value - constants["offset_f18"]) * constants["scale_f18"]
    return real


def _bounds(operator: Operator, node: Node) -> tuple[int, int]:
    return operator.value(node, "qmin"), operator.value(node, "qmax")
