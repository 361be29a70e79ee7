"""The numerics once more, one element at a time in exact fractions: written from docs/numerics.md, not from the code.

Floats are Fractions that are rounded to 24 (float32) or 11 (f18) significant bits where the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from axemu.model.program import Tensor

F = Fraction


def round_bits(x: F, bits: int) -> F:
    """Round to `bits` significant bits, ties to even."""
    if x == 0:
        return x
    exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
    if abs(x) < F(2) ** exponent:
        exponent -= 1
    if abs(x) >= F(2) ** (exponent + 1):
        exponent += 1
    unit = F(2) ** (exponent - bits + 1)
    return round(x / unit) * unit


def f32(x: F | float) -> F:
    return round_bits(F(x), 24)


def f18(x: F | float) -> F:
    return round_bits(f32(x), 11)


def wrap32(x: int) -> int:
    return (x + 2**31) % 2**32 - 2**31


def clamp(x: int, low: int, high: int) -> int:
    return max(low, min(high, x))


@dataclass(frozen=True)
class Quant:
    """Scale as float32, zero point and bounds of the result."""

    scale: F
    zero: int
    low: int = -128
    high: int = 127
    whole: bool = False
    """Whether `metis` takes the scale as it is."""

    @classmethod
    def of(cls, tensor: Tensor, low: int = -128, high: int = 127, *, whole: bool = False) -> Quant:
        return cls(f32(tensor.scale), tensor.zero_point, low, high, whole)

    def saturate(self, v: F) -> int:
        return clamp(round(v) + self.zero, self.low, self.high)

    def quantise(self, v: F, numerics: str) -> int:
        if numerics == "exact":
            return self.saturate(f32(v / self.scale))
        shifted = f32(f32(v * f32(1 / self.scale)) + self.zero)
        return clamp(round(shifted), self.low, self.high)

    def real(self, q: int, numerics: str) -> F:
        taken = self.scale if self.whole or numerics == "exact" else f18(self.scale)
        return f32((q - self.zero) * taken)

    @property
    def fill(self) -> int:
        return clamp(self.zero, -128, 127)


def conv_scales(in_scale: float, weight_scale: float) -> F:
    return f32(f32(in_scale) * f32(weight_scale))


def conv_element(
    numerics: str,
    pairs: Sequence[tuple[int, int]],
    weights: Sequence[int],
    weight_scale: float,
    bias: float,
    x: Quant,
    y: Quant,
) -> int:
    """One output of a convolution from (weight, value) pairs, padding included; `weights` are all of its channel's."""
    value = conv_value(numerics, pairs, weights, weight_scale, bias, x, y)
    return y.saturate(value) if numerics == "exact" else y.quantise(value, numerics)


def conv_add_element(value: F, numerics: str, other: int, b: Quant, y: Quant) -> int:
    """One output of `conv_add`, from that of its convolution before it is quantised."""
    if numerics == "exact":
        return y.saturate(f32(value + f32((other - b.zero) * f32(b.scale / y.scale))))
    return y.quantise(f18(f32(value + f32((other - b.zero) * b.scale))), numerics)


def conv_value(
    numerics: str,
    pairs: Sequence[tuple[int, int]],
    weights: Sequence[int],
    weight_scale: float,
    bias: float,
    x: Quant,
    y: Quant,
) -> F:
    """Real value (`metis`), or steps of the output's scale (`exact`)."""
    scale = conv_scales(float(x.scale), weight_scale)
    if numerics == "exact":
        bias_steps = round(F(float(np.float64(f32(bias)) / np.float64(x.scale * f32(weight_scale)))))
        total = wrap32(sum(w * (q - x.zero) for w, q in pairs) + bias_steps)
        return f32(f32(total) * f32(scale / y.scale))
    value = f18(wrap32(sum(w * q for w, q in pairs)))
    value = f18(value + f18(f32(bias) / scale))
    value = f32(value - f18(x.zero * sum(weights)))
    return f32(value * f18(scale))


def conv_pairs(
    values: Any, weight: Any, place: tuple[int, int, int], geometry: dict[str, Any], fill: int
) -> list[tuple[int, int]]:
    """The (weight, value) pairs of output (h, w, o); values (H, W, C), weight (O, kh, kw, I / group)."""
    h, w, o = place
    (sh, sw), (dh, dw), (top, left, _, _) = geometry["strides"], geometry["dilations"], geometry["pads"]
    outputs, kh, kw, depth = weight.shape
    first = o // (outputs // geometry["group"]) * depth
    pairs = []
    for i, j, c in product(range(kh), range(kw), range(depth)):
        row, column = h * sh + i * dh - top, w * sw + j * dw - left
        inside = 0 <= row < values.shape[0] and 0 <= column < values.shape[1]
        pairs.append((int(weight[o, i, j, c]), int(values[row, column, first + c]) if inside else fill))
    return pairs


def transposed_pairs(
    values: Any, weight: Any, place: tuple[int, int, int], geometry: dict[str, Any], fill: int
) -> list[tuple[int, int]]:
    """The same for a transposed convolution: each kernel position meets an input pixel or a gap."""
    h, w, o = place
    (sh, sw), (dh, dw), (top, left, _, _) = geometry["strides"], geometry["dilations"], geometry["pads"]
    outputs, kh, kw, depth = weight.shape
    first = o // (outputs // geometry["group"]) * depth
    pairs = []
    for i, j, c in product(range(kh), range(kw), range(depth)):
        row, rest_row = divmod(h + top - i * dh, sh)
        column, rest_column = divmod(w + left - j * dw, sw)
        inside = (
            not rest_row and not rest_column and 0 <= row < values.shape[0] and 0 <= column < values.shape[1]
        )
        pairs.append((int(weight[o, i, j, c]), int(values[row, column, first + c]) if inside else fill))
    return pairs


def average(numerics: str, window: Sequence[int], x: Quant, y: Quant) -> int:
    n = len(window)
    if numerics == "exact":
        multiplier = f32(x.scale / f32(y.scale * n))
        return y.saturate(f32(f32(sum(window) - n * x.zero) * multiplier))
    value = f18(f32(f18(sum(window)) * f18(f32(F(1, n)))))
    return y.quantise(f32(f32(value - x.zero) * f18(x.scale)), numerics)


def elementwise(
    numerics: str, combine: Callable[[F, F], F], a: int, b: int, qa: Quant, qb: Quant, y: Quant
) -> int:
    value = f32(combine(qa.real(a, numerics), qb.real(b, numerics)))
    return y.quantise(value if numerics == "exact" else f18(value), numerics)


def affine(numerics: str, q: int, multiplier: float, addend: float, x: Quant, y: Quant) -> int:
    real = x.real(q, numerics)
    if numerics == "exact":
        return y.quantise(f32(f32(real * F(multiplier)) + F(addend)), numerics)
    return y.quantise(f18(f18(f32(real * f18(multiplier))) + f18(addend)), numerics)


def requantize(numerics: str, q: int, x: Quant, y: Quant) -> int:
    return y.quantise(x.real(q, numerics), numerics)


def matmul(numerics: str, pairs: Sequence[tuple[int, int]], a: Quant, b: Quant, y: Quant) -> int:
    total = wrap32(sum((p - a.zero) * (q - b.zero) for p, q in pairs))
    scale = f32(a.scale * b.scale)
    if numerics == "exact":
        return y.saturate(f32(f32(total) * f32(scale / y.scale)))
    return y.quantise(f32(f18(total) * f18(scale)), numerics)


def softmax(numerics: str, values: Sequence[int], table: Sequence[int], y: Quant) -> list[int]:
    terms = [table[max(values) - q] for q in values]
    total = f32(sum(terms))
    if numerics == "exact":
        return [y.quantise(f32(f32(e) / total), numerics) for e in terms]
    return [y.quantise(f18(f32(f18(e) * f18(f32(1 / total)))), numerics) for e in terms]


def bilinear(
    numerics: str,
    corners: Sequence[Sequence[int]],
    rows: Sequence[float],
    columns: Sequence[float],
    x: Quant,
    y: Quant,
) -> int:
    """corners[row][column] are the four values, rows and columns the pairs of weights."""
    step = f32 if numerics == "exact" else f18
    u, v = [step(F(w)) for w in rows], [step(F(w)) for w in columns]
    blended = [
        step(f32(f32((corners[0][k] - x.zero) * u[0]) + f32((corners[1][k] - x.zero) * u[1]))) for k in (0, 1)
    ]
    value = step(f32(f32(blended[0] * v[0]) + f32(blended[1] * v[1])))
    if numerics == "exact":
        return y.saturate(f32(value * f32(x.scale / y.scale)))
    return y.quantise(f32(value * f18(x.scale)), numerics)
