"""Correcting biases for what rounding weights and constants does on average.

Rounded weights shift the mean of every output channel by sum((w_hat - w) * mean(x)), and the 11-bit constant for the
zero point's share is off by a fixed amount. Both are known after calibration, so the bias takes them back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axelera.compiler.quantisation._noise import grouped_means
from axemu.model import ops
from axemu.model.program import Tensor

Float32Array = npt.NDArray[np.float32]


def corrected_bias(
    real: npt.NDArray[np.float32],
    integers: npt.NDArray[np.int8],
    scale: Float32Array,
    bias: Float32Array,
    mean: npt.NDArray[np.float64],
    source: Tensor,
) -> tuple[Float32Array, Float32Array]:
    """Return the biases (O,) for exact and for metis numerics.

    Args:
        real: float weights (O, kh, kw, I / group).
        integers: their int8 form.
        scale: real weight per integer (O,).
        bias: the network's bias (O,).
        mean: mean of each input channel (C,).
        source: the input tensor.
    """
    exact_scale = scale.astype(np.float64)
    error = integers * exact_scale.reshape(-1, 1, 1, 1) - real
    by_channel = error.sum(axis=(1, 2))
    drift = (by_channel * grouped_means(mean, len(bias), by_channel.shape[1])).sum(axis=1)
    share = integers.reshape(len(bias), -1).astype(np.int64).sum(axis=1) * source.zero_point
    rounded = ops.round_f18(share.astype(np.float32)).astype(np.float64)
    offset = (rounded - share) * source.scale * exact_scale
    exact = bias - drift
    return exact.astype(np.float32), (exact + offset).astype(np.float32)
