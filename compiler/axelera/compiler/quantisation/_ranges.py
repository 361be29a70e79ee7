"""Choosing scale and zero point of a tensor from the histogram of its values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._quantisation import Quantisation

Real = npt.NDArray[np.float64]

_CANDIDATES = 64
_PASSES = 2
_LARGEST_TAIL = 5e-4
"""Share of values that may be clipped at either end."""
_LARGEST_SHIFT, _SHIFTS = 1.0, 21
"""How far the range may be extended downwards, as a share of its width, to bring the zero point nearer to 0."""
_SMALLEST_SCALE = 2.0**-29


def quantisation_of(low: float, high: float) -> Quantisation:
    """Return the scale and zero point that spread [low, high], extended to hold 0, over the 256 steps.

    The zero point lies within int8, so that zero is a step and padding recipes work on int8 arrays.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max((high - low) / 255.0, _SMALLEST_SCALE)))
    if high == low:
        scale = 2.0**-7
    zero_point = int(np.clip(np.rint(-128.0 - low / scale), -128, 127))
    return Quantisation(scale, zero_point)


def min_max(histogram: Histogram) -> Quantisation:
    """Return the quantisation that clips nothing."""
    if not histogram.total:
        return quantisation_of(0.0, 0.0)
    return quantisation_of(histogram.minimum, histogram.maximum)


def least_error(
    histogram: Histogram,
    through: Callable[[Real], Real] | None = None,
    penalty: Callable[[Quantisation], float] | None = None,
) -> Quantisation:
    """Return the quantisation with the least mean squared error over the histogram.

    Args:
        histogram: the values of the tensor.
        through: when the tensor is only read by a table, the table's function: the error is then measured behind it.
        penalty: an error that the choice causes elsewhere, in the same unit.
    """
    used = np.flatnonzero(histogram.counts)
    if not used.size:
        return quantisation_of(0.0, 0.0)
    values, weight = histogram.centres()[used], histogram.counts[used].astype(np.float64)
    weight /= weight.sum()
    target = values if through is None else through(values)
    known: dict[tuple[float, float], float] = {}

    def error(low: float, high: float) -> float:
        if (low, high) not in known:
            quantisation = quantisation_of(low, high)
            real = (np.arange(-128, 128, dtype=np.float64) - quantisation.zero_point) * quantisation.scale
            steps = np.clip(np.rint(values / quantisation.scale) + quantisation.zero_point, -128, 127)
            result = (real if through is None else through(real))[steps.astype(np.intp) + 128]
            known[low, high] = float(np.dot(weight, (result - target) ** 2))
            if penalty is not None:
                known[low, high] += penalty(quantisation)
        return known[low, high]

    low, high = min(histogram.minimum, 0.0), max(histogram.maximum, 0.0)
    share = np.cumsum(weight)
    if through is None:
        lowest = min(float(values[np.searchsorted(share, _LARGEST_TAIL)]), 0.0)
        highest = max(float(values[np.searchsorted(share, 1.0 - _LARGEST_TAIL)]), 0.0)
    else:  # a saturating function makes clipping harmless, however much is clipped
        lowest, highest = 0.0, 0.0
    tried_low, tried_high = np.linspace(low, lowest, _CANDIDATES), np.linspace(high, highest, _CANDIDATES)
    if penalty is not None:
        tried_low = np.concatenate(
            [tried_low, low - np.linspace(0.0, _LARGEST_SHIFT * (high - low), _SHIFTS)]
        )
    for _ in range(_PASSES):
        high = float(min(tried_high, key=lambda candidate: (error(low, float(candidate)), -candidate)))
        low = float(min(tried_low, key=lambda candidate: (error(float(candidate), high), candidate)))
    return quantisation_of(low, high)
