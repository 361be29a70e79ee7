"""Constants of a TorchScript program, checked against each other, as the constants of program operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.compiler.importing._refusal import Source
from axelera.compiler.importing._values import Convolved, Float32Array, Sums
from axemu.model.ops import round_f18
from axemu.model.program import Tensor

MAX_ZERO_POINT = 1 << 15
MAX_STEPS = float(2**30)
"""Largest bias, in steps of the accumulator."""


def scalar(source: Source, module: str, what: str, value: object) -> float:
    """Return the one finite number a stored tensor holds."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        number = float(value.reshape(-1)[0])
        if np.isfinite(number):
            return number
    raise source.wrong(module, f"{what} is {_brief(value)}, expected a stored tensor with one finite number")


def scale_and_zero_point(source: Source, module: str, scale: object, zero: object) -> tuple[float, int]:
    """Return a scale, as float32 holds it, and a zero point."""
    factor, point = scalar(source, module, "a scale", scale), scalar(source, module, "a zero point", zero)
    if not 2.0**-30 <= factor <= 2.0**30 or float(np.float32(factor)) != factor:
        raise source.wrong(module, f"a scale is {factor}, expected a float32 within 2^-30..2^30")
    if point != int(point) or abs(point) > MAX_ZERO_POINT:
        raise source.wrong(
            module, f"a zero point is {point}, expected an integer within -{MAX_ZERO_POINT}..{MAX_ZERO_POINT}"
        )
    return factor, int(point)


def int8_weights(source: Source, module: str, value: object) -> npt.NDArray[np.int8]:
    """Return stored weights (O, I, kh, kw) as int8."""
    if not isinstance(value, np.ndarray) or value.ndim != 4 or not value.size or value.dtype.kind not in "fi":
        raise source.unknown(
            module, f"weights are {_brief(value)}, expected a stored tensor of four dimensions"
        )
    if not (np.abs(value) <= 128).all() or not (value == np.rint(value)).all() or (value == 128).any():
        raise source.wrong(module, "a weight is no int8")
    return value.astype(np.int8)


def by_channel(source: Source, module: str, what: str, value: object) -> Float32Array:
    """Return a stored tensor of float32 that holds one number or, as (1, C, 1, 1), one per channel; flat."""
    if not isinstance(value, np.ndarray) or value.dtype != np.float32 or not value.size:
        raise source.unknown(module, f"{what} is {_brief(value)}, expected a stored tensor of float32")
    if value.size != 1 and value.shape != (1, value.size, 1, 1):
        raise source.unknown(module, f"{what} has shape {value.shape}, expected one number per channel")
    if not (np.abs(value) <= 2.0**40).all() or not (round_f18(value) == value).all():
        raise source.wrong(module, f"{what} is not finite or has more than 11 significant bits")
    return value.reshape(-1)


def spread(source: Source, module: str, what: str, value: Float32Array, channels: int) -> Float32Array:
    """Return one number for each of `channels`."""
    if value.size not in (1, channels):
        raise source.wrong(module, f"{what} has {value.size} numbers, expected 1 or {channels}")
    return np.ascontiguousarray(np.broadcast_to(value, channels))


def conv_constants(
    source: Source, convolved: Convolved, tensor: Tensor, out_scale: float
) -> dict[str, npt.NDArray[Any]]:
    """Return the constants of `conv` for both numerics; those of `exact` follow from the stored ones.

    Raises:
        InvalidArgument: the stored offset is not that of the input's zero point, a scale is not positive, or sums can leave
            int32.
    """
    sums = convolved.sums
    weight = weights_of(sums)
    outputs = weight.shape[0]
    bias = np.zeros(1, np.float32) if sums.constant is None else sums.constant
    bias = spread(source, sums.module, "the bias", bias, outputs)
    scale = spread(source, sums.module, "the scale", convolved.scale, outputs)
    offset = spread(source, sums.module, "the offset", convolved.offset, outputs)
    flat = weight.reshape(outputs, -1).astype(np.int64)
    wanted = round_f18((flat.sum(axis=1) * tensor.zero_point).astype(np.float32))
    if not (wanted == offset).all():
        channel = int(np.argmax(wanted != offset))
        raise source.wrong(
            sums.module,
            f"the offset of channel {channel} is {offset[channel]}; zero point {tensor.zero_point} and weights make it {wanted[channel]}",
        )
    if not (scale > 0).all():
        raise source.wrong(sums.module, "a scale is not positive")
    reach = np.abs(flat).sum(axis=1) * max(abs(-128 - tensor.zero_point), abs(127 - tensor.zero_point))
    if (reach + np.abs(bias) >= 2.0**31).any() or (np.abs(bias) > MAX_STEPS).any():
        raise source.wrong(sums.module, "sums can leave the int32 accumulator")
    return {
        "weight": np.ascontiguousarray(weight.transpose(0, 2, 3, 1)),
        "bias_i32": np.rint(bias).astype(np.int32),
        "multiplier": (scale / np.float32(out_scale)).astype(np.float32),
        "bias_f18": bias,
        "scale_f18": scale,
        "offset_f18": offset,
    }


def weights_of(sums: Sums) -> npt.NDArray[np.int8]:
    """Return the weights of a convolution; pools have none, and are never asked."""
    return np.zeros((0, 0, 0, 0), np.int8) if sums.weights is None else sums.weights


def _brief(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"a tensor of {value.dtype} {value.shape}"
    return f"a {type(value).__name__}"
