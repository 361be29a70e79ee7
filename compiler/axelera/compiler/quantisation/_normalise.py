"""Giving every channel in front of a look-up table the whole of int8.

The chip applies activation functions behind the convolution's own per-channel scaling, before anything is cut down to
int8. In a program the convolution's result is int8 and the table follows; with one table per channel, the convolution
may scale and shift each channel so that just the part of its range that the function distinguishes fills the 256 steps.

A ReLU or Clip between the two is a clamp of the convolution, and a clamp has one pair of bounds for all channels. Where
channels are shifted it moves into the tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import Activation, LoweredNetwork, Rescaling
from axemu.model.ops import PointwiseFunction

Real = npt.NDArray[np.float64]
Range = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

_GRID = np.linspace(-32.0, 32.0, 4097)
_FLAT = 1e-3
_MARGIN = 1.05
"""Ranges come from a few samples; the rest of the calibration data may exceed them a little."""


def normalise_tables(network: LoweredNetwork, ranges: Mapping[str, Range]) -> LoweredNetwork:
    """Return the network with the channels of every convolution that only tables read rescaled.

    Args:
        network: the lowered network.
        ranges: lowest and highest value of each channel (C,), by tensor.
    """
    network = network.copy()
    readers: dict[str, list[str]] = {}
    for operator in network.operators:
        for name in operator.inputs:
            readers.setdefault(name, []).append(operator.op)
    exposed = {port.tensor for port in network.outputs}
    tables = {o.inputs[0]: o for o in network.operators if o.op == "lut"}
    for operator in network.operators:
        name = operator.output
        if not operator.kind.has_weights or name not in ranges or name in exposed:
            continue
        table = tables.get(name)
        if table is None or table.function is None or readers[name] != ["lut"]:
            continue
        activation = network.activations[name]
        table.function = table.function.of_clamped(activation.low, activation.high)
        rescaling = _rescaling(*ranges[name], *_bounds(table.function, activation))
        activation.low = activation.high = None
        activation.rescaling = rescaling
        operator.parameters = {
            "weight": operator.parameters["weight"] * rescaling.gain.astype(np.float32).reshape(-1, 1, 1, 1),
            "bias": operator.parameters["bias"] * rescaling.gain + rescaling.shift,
        }
    return network


def _bounds(function: PointwiseFunction, activation: Activation) -> tuple[float, float]:
    """Return the part of the range that the clamp leaves and the function distinguishes."""
    low, high = (-math.inf, math.inf) if function.per_channel else telling_range(function.quick)
    if activation.low is not None:
        low = max(low, activation.low)
    if activation.high is not None:
        high = min(high, activation.high)
    return low, max(low, high)


def _rescaling(
    lowest: npt.NDArray[np.float32], highest: npt.NDArray[np.float32], low: float, high: float
) -> Rescaling:
    """Map what matters of each channel to [-1, 1]."""
    bottom = np.clip(lowest.astype(np.float64), low, high)
    top = np.clip(highest.astype(np.float64), low, high)
    middle, half = (top + bottom) / 2.0, (top - bottom) / 2.0 * _MARGIN
    half = np.maximum(half, 1e-2 * max(float(half.max()), 1e-3))
    return Rescaling(1.0 / half, -middle / half, low, high)


def telling_range(function: Callable[[Real], Real]) -> tuple[float, float]:
    """Return the range outside of which a function is flat; infinite where it never is."""
    values = function(_GRID)
    below, above = np.abs(values - values[0]) > _FLAT, np.abs(values - values[-1]) > _FLAT
    if not below.any():
        return -math.inf, math.inf
    first, last = int(np.argmax(below)), len(_GRID) - 1 - int(np.argmax(above[::-1]))
    low = float(_GRID[first - 1]) if first > 1 else -math.inf
    high = float(_GRID[last + 1]) if last < len(_GRID) - 2 else math.inf
    return low, high
