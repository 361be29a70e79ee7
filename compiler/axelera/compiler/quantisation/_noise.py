"""What the chip's 11 significant bits do to a convolution, as a reason to choose one zero point over another.

The accumulator holds sum(w_q * q) before the zero point's share sum(w_q) * zp is taken away again, and is rounded to 11
bits while that share is still in it. A zero point far from 0 gives activations more levels and makes this rounding
coarser. Both errors are put in the same unit here: the mean squared error of the convolution's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import LoweredOperator
from axelera.compiler.quantisation._quantisation import Quantisation

Real = npt.NDArray[np.float64]

_ROUNDINGS = 2.0
"""The accumulator is rounded once alone and once with the bias."""


@dataclass(frozen=True, slots=True)
class AccumulatorNoise:
    """One convolution that reads a tensor, reduced to one number per output channel (O,).

    Attributes:
        mean: sum of integer weights times the mean of their input channels.
        weights: sum of integer weights.
        spread: root of the sum of squared integer weights times the spread of the input.
        weight_scale: real weight per integer.
        gain: sum of squared real weights over all outputs.
    """

    mean: Real
    weights: Real
    spread: Real
    weight_scale: Real
    gain: float

    def error(self, quantisation: Quantisation) -> float:
        """Return the variance that rounding adds, as a variance of the input."""
        scale = quantisation.scale
        reach = np.abs(self.mean / scale + self.weights * quantisation.zero_point) + self.spread / scale
        step = np.exp2(np.floor(np.log2(np.maximum(reach, 1.0))) - 10.0)
        step[step < 1.0] = 0.0  # integers below 2048 have 11 bits
        variance = _ROUNDINGS * (step * scale * self.weight_scale) ** 2 / 12.0
        return float(variance.sum() / self.gain)


def accumulator_noise(operator: LoweredOperator, mean: Real, deviation: float) -> AccumulatorNoise | None:
    """Summarise a conv; None for other operators and for weights that are all zero.

    Args:
        operator: the reader of a tensor.
        mean: mean of each channel of the tensor (C,).
        deviation: standard deviation of its values.
    """
    if not operator.kind.has_weights:
        return None
    real = np.asarray(operator.parameters["weight"], np.float64)
    outputs = real.shape[0]
    scale = np.abs(real.reshape(outputs, -1)).max(axis=1) / 127.0
    if not scale.any():
        return None
    scale[scale == 0.0] = 1.0
    integers = np.rint(real / scale.reshape(-1, 1, 1, 1))
    by_channel = integers.sum(axis=(1, 2))  # (O, I / group)
    return AccumulatorNoise(
        (by_channel * grouped_means(mean, outputs, by_channel.shape[1])).sum(axis=1),
        by_channel.sum(axis=1),
        np.sqrt((integers**2).sum(axis=(1, 2, 3))) * deviation,
        scale,
        float((real**2).sum()),
    )


def grouped_means(mean: Real, outputs: int, inputs_per_group: int) -> Real:
    """Return for each output the means of the input channels it sees: (O, I / group)."""
    groups = len(mean) // inputs_per_group
    return np.repeat(mean.reshape(groups, inputs_per_group), outputs // groups, axis=0)


def total_error(readers: Sequence[AccumulatorNoise], quantisation: Quantisation) -> float:
    """Return the mean over all readers."""
    return sum(reader.error(quantisation) for reader in readers) / max(len(readers), 1)
