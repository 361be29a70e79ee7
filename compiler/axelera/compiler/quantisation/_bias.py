"""Correcting biases for what rounding weights and constants does on average.

Rounded weights shift the mean of every output channel by sum((w_hat - w) * mean(x)), where a position of the kernel counts
as often as it lies on the input: padding shifts nothing. The 11-bit constant for the zero point's share is off by a fixed
amount. Both are known after calibration, so the bias takes them back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import LoweredOperator
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
    shares: npt.NDArray[np.float64],
) -> tuple[Float32Array, Float32Array]:
    """Return the biases (O,) for exact and for metis numerics.

    Args:
        real: float weights (O, kh, kw, I / group).
        integers: their int8 form.
        scale: real weight per integer (O,).
        bias: the network's bias (O,).
        mean: mean of each input channel (C,).
        source: the input tensor.
        shares: how often each position of the kernel lies on the input (kh, kw), see `tap_shares`.
    """
    exact_scale = scale.astype(np.float64)
    error = integers * exact_scale.reshape(-1, 1, 1, 1) - real
    by_channel = (error * shares[:, :, np.newaxis]).sum(axis=(1, 2))
    drift = (by_channel * grouped_means(mean, len(bias), by_channel.shape[1])).sum(axis=1)
    share = integers.reshape(len(bias), -1).astype(np.int64).sum(axis=1) * source.zero_point
    rounded = ops.round_f18(share.astype(np.float32)).astype(np.float64)
    offset = (rounded - share) * source.scale * exact_scale
    exact = bias - drift
    return exact.astype(np.float32), (exact + offset).astype(np.float32)


def tap_shares(operator: LoweredOperator, source: Tensor, output: Tensor) -> npt.NDArray[np.float64]:
    """Return the share of output positions for which each position of the kernel lies on the input (kh, kw), 0 to 1.

    In a transposed convolution a position also lies on nothing between the pixels that strides pull apart.
    """
    attributes = operator.attributes
    kernel = operator.parameters["weight"].shape[1:3]
    strides, dilations = (np.broadcast_to(attributes.get(name, 1), 2) for name in ("strides", "dilations"))
    before = np.broadcast_to(attributes.get("pads", 0), 4)[:2]
    rows, columns = (
        _shares(
            kernel[axis],
            source.shape[axis],
            output.shape[axis],
            strides[axis],
            dilations[axis],
            before[axis],
            operator.op,
        )
        for axis in (0, 1)
    )
    return np.outer(rows, columns)


def _shares(
    taps: int, extent: int, results: int, stride: int, dilation: int, before: int, op: str
) -> npt.NDArray[np.float64]:
    steps = np.arange(taps)[:, np.newaxis] * dilation - before
    positions = np.arange(results)
    if op == "conv_transpose":
        found, rest = np.divmod(positions - steps, stride)
        inside = (rest == 0) & (found >= 0) & (found < extent)
    else:
        found = positions * stride + steps
        inside = (found >= 0) & (found < extent)
    return np.asarray(inside.mean(axis=1), np.float64)
