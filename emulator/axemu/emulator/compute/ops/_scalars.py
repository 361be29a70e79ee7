"""The 32-bit scalars kernels read, from a node's tensors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._lowering import Unsupported
from axemu.emulator.compute.fields import scalars as s
from axemu.model.ops import reciprocal
from axemu.model.program import Tensor

MAX_ZERO_POINT = 30_000
"""Beyond this, results leave the 16-bit lanes they are packed through."""


def check_zero_point(zero_point: int) -> None:
    """Leave results that cannot be packed through 16-bit lanes to the specification."""
    if abs(zero_point) > MAX_ZERO_POINT:
        raise Unsupported(f"zero point {zero_point}")


def conv_scalars(numerics: str, output: Tensor, low: int, high: int) -> npt.NDArray[np.int32]:
    """Return the scalars of a convolution's epilogue."""
    exact = numerics == "exact"
    floats = np.zeros(s.CONV_SIZE, np.float32)
    floats[s.CONV_INVERSE] = reciprocal(output.scale)
    floats[s.CONV_ZERO] = output.zero_point
    whole = floats.view(np.int32)
    whole[s.CONV_SHIFT_I32] = (output.zero_point if exact else 0) + 128
    whole[s.CONV_LOW_I32] = low + 128
    whole[s.CONV_HIGH_I32] = high + 128
    return whole


def quantise_scalars(
    numerics: str, output: Tensor, size: int, low: int = -128, high: int = 127
) -> npt.NDArray[np.float32]:
    """Return `size` scalars, those of the step back to bytes filled in; view as int32 to set integers."""
    exact = numerics == "exact"
    floats = np.zeros(size, np.float32)
    floats[s.DIVISOR] = output.scale
    floats[s.INVERSE] = reciprocal(output.scale)
    floats[s.ZERO] = output.zero_point
    floats[s.LOW] = low - output.zero_point if exact else low
    floats[s.HIGH] = high - output.zero_point if exact else high
    whole = floats.view(np.int32)
    whole[s.SHIFT_I32] = (output.zero_point if exact else 0) + 128
    whole[s.LOW_BYTE_I32] = low + 128
    whole[s.HIGH_BYTE_I32] = high + 128
    return floats
