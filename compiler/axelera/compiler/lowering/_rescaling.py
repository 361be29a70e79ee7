"""A tensor whose channels are scaled and shifted compared with the float value it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rescaling:
    """tensor = clip(value, low, high) * gain + shift, with one gain and shift per channel (C,).

    `low` and `high` bound the part of the value that matters to whoever reads it.
    """

    gain: Real
    shift: Real
    low: float = -math.inf
    high: float = math.inf

    def apply(self, value: npt.NDArray[np.floating], axis: int) -> npt.NDArray[np.floating]:
        """Return the tensor for a value whose channels lie along `axis`; the dtype is kept."""
        shape = [1] * value.ndim
        shape[axis] = -1
        gain, shift = (
            self.gain.astype(value.dtype).reshape(shape),
            self.shift.astype(value.dtype).reshape(shape),
        )
        bounded = (
            value if math.isinf(self.low) and math.isinf(self.high) else np.clip(value, self.low, self.high)
        )
        result: npt.NDArray[np.floating] = bounded * gain + shift
        return result

    def undo(self, tensor: Real) -> Real:
        """Return the value for a tensor whose last axis is the channel."""
        return (tensor - self.shift) / self.gain


def gains_only(gain: Real) -> Rescaling:
    """Return a rescaling without shift or bounds."""
    return Rescaling(gain, np.zeros_like(gain))
