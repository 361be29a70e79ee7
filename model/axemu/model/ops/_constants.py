"""Computing the constants a program stores, the same on every host."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._elementary import ArrayFunction, decimal_exp
from axemu.model.ops._float import Float32Array, Int8Array, Int32Array, round_f18
from axemu.model.ops._functions import PointwiseFunction
from axemu.model.ops._softmax import EXP_ONE

MAX_BIAS = float(2**30)
"""Largest bias, in steps of in_scale * weight_scale."""


def weight_scales(weight: npt.ArrayLike, bias: npt.ArrayLike | None, in_scale: float) -> Float32Array:
    """Return the symmetric scale of each output channel: max|w| / 127.

    A channel whose weights are so small that its bias would exceed 2**30 steps gets a larger scale; one without any
    weight and bias gets 1.

    Args:
        weight: real weights, output channel first, any shape.
        bias: real biases (O,) or None.
        in_scale: scale of the input tensor.

    Returns:
        float32 (O,).
    """
    values = np.asarray(weight, np.float64)
    largest = np.abs(values.reshape(values.shape[0], -1)).max(axis=1)
    scales = largest / 127.0
    if bias is not None:
        # A hair above the bound, so that rounding to float32 cannot undo it.
        floor = np.abs(np.asarray(bias, np.float64)) / (float(np.float32(in_scale)) * MAX_BIAS) * (1 + 1e-6)
        scales = np.maximum(scales, floor)
    scales[scales < 1e-30] = 1.0
    result: Float32Array = scales.astype(np.float32)
    return result


def quantise_weights(weight: npt.ArrayLike, scales: npt.ArrayLike) -> Int8Array:
    """Return round(w / scale), ties to even, saturated to -127..127; output channel first."""
    values = np.asarray(weight, np.float64)
    divisor = np.asarray(scales, np.float32).astype(np.float64).reshape((-1,) + (1,) * (values.ndim - 1))
    return np.clip(np.rint(values / divisor), -127, 127).astype(np.int8)


def conv_constants(
    weight_q: Int8Array,
    weight_scale: npt.ArrayLike,
    bias: npt.ArrayLike | None,
    in_scale: float,
    in_zero_point: int,
    out_scale: float,
) -> dict[str, npt.NDArray[Any]]:
    """Return all constants of `conv` or `conv_transpose`, for both numerics.

    With s = float32(float32(in_scale) * float32(weight_scale)):
    bias_i32 = round(bias / (in_scale * weight_scale)) in float64, multiplier = float32(s / float32(out_scale)),
    bias_f18 = f18(float32(float32(bias) / s)), scale_f18 = f18(s), offset_f18 = f18(float32(in_zero_point * sum(w_q))).

    Args:
        weight_q: int8 (O, kh, kw, I / group).
        weight_scale: (O,).
        bias: real biases (O,) or None for zeros.
        in_scale: scale of the input tensor.
        in_zero_point: its zero point.
        out_scale: scale of the output tensor.

    Returns:
        Role to array: weight int8 as given, the rest (O,) as in the operator table.

    Raises:
        InvalidArgument: a scale is not positive and finite, or bias and products can leave int32.
    """
    outputs = weight_q.shape[0]
    scale = np.asarray(weight_scale, np.float32)
    real = np.zeros(outputs, np.float32) if bias is None else np.asarray(bias, np.float32)
    for name, value in (("weight_scale", scale), ("bias", real)):
        if value.shape != (outputs,):
            raise InvalidArgument(
                f"convolution constant {name!r} has shape {value.shape}, expected ({outputs},)"
            )
    _require_scale("in_scale", in_scale)
    _require_scale("out_scale", out_scale)
    _require_scale("weight_scale", scale)
    product = np.float32(in_scale) * scale
    steps = real.astype(np.float64) / (float(np.float32(in_scale)) * scale.astype(np.float64))
    bias_steps = np.rint(np.clip(steps, -(2.0**40), 2.0**40)).astype(np.int64)
    flat = weight_q.reshape(outputs, -1).astype(np.int64)
    reach = max(abs(-128 - in_zero_point), abs(127 - in_zero_point))
    largest = np.abs(flat).sum(axis=1) * reach + np.abs(bias_steps)
    if largest.size and largest.max() >= 1 << 31:
        channel = int(largest.argmax())
        raise InvalidArgument(
            f"convolution output channel {channel} can reach {int(largest[channel])} in its int32 accumulator:"
            " choose a larger weight scale (see weight_scales) or split the layer"
        )
    return {
        "weight": weight_q,
        "bias_i32": bias_steps.astype(np.int32),
        "multiplier": (product / np.float32(out_scale)).astype(np.float32),
        "bias_f18": round_f18(real / product),
        "scale_f18": round_f18(product),
        "offset_f18": round_f18((flat.sum(axis=1) * in_zero_point).astype(np.float32)),
    }


def lut_table(
    function: PointwiseFunction,
    in_scale: float,
    in_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    low: int = -128,
    high: int = 127,
    *,
    channels: int | None = None,
    before: ArrayFunction | None = None,
    after: ArrayFunction | None = None,
) -> Int8Array:
    """Return the table of a real function between two quantised tensors, the same on every host; index q + 128.

    In float64, with the scales first rounded to float32: round(function((q - in_zero_point) * in_scale) / out_scale) +
    out_zero_point, ties to even, saturated to [low, high].

    Args:
        function: evaluated as if correctly rounded throughout, see `FUNCTIONS`.
        in_scale: scale of the input tensor.
        in_zero_point: its zero point.
        out_scale: scale of the output tensor.
        out_zero_point: its zero point.
        low: smallest entry.
        high: largest entry.
        channels: None for one table, else the number of tables.
        before: applied to the arguments, float64 (256, channels or 1), in front of the function.
        after: applied to the values behind it, monotone and without other functions than IEEE operations.

    Returns:
        int8 (256,), or (channels, 256).

    Raises:
        InvalidArgument: a scale is not positive and finite, or the function is undefined (NaN) somewhere.
    """
    _require_scale("in_scale", in_scale)
    _require_scale("out_scale", out_scale)
    target = float(np.float32(out_scale))
    codes = np.arange(-128, 128, dtype=np.float64).reshape(256, 1)
    real = np.repeat((codes - in_zero_point) * float(np.float32(in_scale)), channels or 1, axis=1)
    arguments = real if before is None else before(real)
    steps = function.rounded(arguments, lambda y: (y if after is None else after(y)) / target)
    if np.isnan(steps).any():
        where = float(arguments[np.isnan(steps)][0])
        raise InvalidArgument(f"the function {function.name!r} of a lookup table is undefined at {where}")
    table = (np.clip(steps, low - out_zero_point, high - out_zero_point) + out_zero_point).astype(np.int8).T
    return np.ascontiguousarray(table[0] if channels is None else table)


def softmax_constants(in_scale: float) -> dict[str, Int32Array]:
    """Return `exp_table` of `softmax`: round(2**30 * exp(-d * in_scale)) for d = 0..255, ties to even."""
    _require_scale("in_scale", in_scale)
    scale = float(np.float32(in_scale))
    terms = [
        int((decimal_exp(-d * scale) * EXP_ONE).to_integral_value(rounding=ROUND_HALF_EVEN))
        for d in range(256)
    ]
    return {"exp_table": np.array(terms, np.int32)}


def _require_scale(name: str, value: npt.ArrayLike) -> None:
    scales = np.asarray(value, np.float32)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise InvalidArgument(f"{name!r} must be positive and finite, not {value!r}")
