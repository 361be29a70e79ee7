"""The float steps every operator is made of.

All of them are IEEE-754 binary32 with round to nearest, ties to even, in the written order and never fused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Float32Array = npt.NDArray[np.float32]

_DROPPED_BITS = 13
_KEPT_MASK = np.uint32(0xFFFF_FFFF << _DROPPED_BITS & 0xFFFF_FFFF)


def round_f18(values: npt.ArrayLike) -> Float32Array:
    """Round float32 values to 11 significant bits, to nearest, ties to even.

    The exponent range stays that of float32. On the bit pattern u: u + 0xFFF + (bit 13 of u), then the low 13 bits are
    cleared.

    Args:
        values: finite numbers of any shape; converted to float32 first (to nearest even).

    Returns:
        A float32 array of the same shape.
    """
    bits = np.asarray(values, dtype=np.float32).view(np.uint32)
    odd = (bits >> np.uint32(_DROPPED_BITS)) & np.uint32(1)
    rounded: Float32Array = ((bits + np.uint32(0xFFF) + odd) & _KEPT_MASK).view(np.float32)
    return rounded


def wrap_i32(sums: npt.NDArray[Any]) -> Int32Array:
    """Reduce exact integer sums (int64, or float64 holding integers below 2**53) modulo 2**32 to int32."""
    return sums.astype(np.int64).astype(np.int32)


def reciprocal(scale: float) -> np.float32:
    """Return float32(1) / float32(scale), the one reciprocal of `metis` numerics."""
    return np.float32(np.float32(1.0) / np.float32(scale))


def to_int8(values: Float32Array, low: int, high: int, zero_point: int) -> Int8Array:
    """Clamp to [low - zero_point, high - zero_point], round to nearest even, add the zero point.

    Clamping first keeps every conversion in range and, the bounds being integers, gives what rounding first would.
    """
    bounded = np.clip(values, np.float32(low - zero_point), np.float32(high - zero_point))
    return (np.rint(bounded).astype(np.int32) + np.int32(zero_point)).astype(np.int8)


def quantise_exact(
    real: Float32Array, scale: float, zero_point: int, low: int = -128, high: int = 127
) -> Int8Array:
    """ONNX QuantizeLinear: round(real / scale) + zero_point, saturated to [low, high]. The division is a division."""
    return to_int8(real / np.float32(scale), low, high, zero_point)


def quantise_metis(
    real: Float32Array, scale: float, zero_point: int, low: int = -128, high: int = 127
) -> Int8Array:
    """Round(real * (1/scale) + zero_point), saturated to [low, high]; the zero point is added before rounding."""
    return to_int8(real * reciprocal(scale) + np.float32(zero_point), low, high, 0)


def centred(values: Int8Array, zero_point: int) -> Float32Array:
    """Return float32(q - zero_point), which is exact."""
    return (values.astype(np.int32) - np.int32(zero_point)).astype(np.float32)


def dequantise_exact(values: Int8Array, scale: float, zero_point: int) -> Float32Array:
    """ONNX DequantizeLinear: float32(q - zero_point) * float32(scale)."""
    real: Float32Array = centred(values, zero_point) * np.float32(scale)
    return real


def dequantise_metis(
    values: Int8Array, scale: float, zero_point: int, *, round_scale: bool = True
) -> Float32Array:
    """float32(q - zero_point) * f18(scale), a product of at most 20 significant bits and so exact; or times the scale itself."""
    real: Float32Array = centred(values, zero_point) * (
        round_f18(scale) if round_scale else np.float32(scale)
    )
    return real
