"""Balancing channels before quantisation.

One scale serves all channels of a tensor, so a channel with a small range gets few levels. Multiplying channel c of a
tensor by a gain g_c and dividing the weights that read it by g_c changes nothing in real numbers; the producer takes
the gain into its own weights or table, where every channel has a scale of its own. A depthwise convolution takes the
division for free; any other has to share it among its inputs, so there the gain stops half-way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import Activation, LoweredNetwork, LoweredOperator, gains_only

Real = npt.NDArray[np.float64]

_BALANCE = 0.5
"""Share of a channel's deficit that is made up when weights have to pay for it."""
_LARGEST_GAIN = 64.0


@dataclass(frozen=True, slots=True)
class _Reader:
    """A convolution that reads the channels of a tensor, from `offset` on in its own input."""

    operator: LoweredOperator
    offset: int


def equalise(
    network: LoweredNetwork, largest: Mapping[str, Real], *, depthwise_only: bool = False
) -> LoweredNetwork:
    """Return the network with gains chosen and put into weights, biases, tables and activations.

    Args:
        network: the lowered network.
        largest: largest magnitude of each channel (C,), by tensor.
        depthwise_only: balance only what depthwise convolutions read.
    """
    network = network.copy()
    readers: dict[str, list[LoweredOperator]] = defaultdict(list)
    for operator in network.operators:
        for name in dict.fromkeys(operator.inputs):
            readers[name].append(operator)
    exposed = {port.tensor for port in network.outputs}
    for operator in network.operators:
        name = operator.output
        if not operator.kind.absorbs_gain or name not in largest:
            continue
        touched: list[tuple[str, int]] = []
        found = _readers_of(network, readers, exposed, name, touched)
        if not found:
            continue
        free = all(_is_depthwise(reader.operator) for reader in found)
        if (depthwise_only and not free) or not _keeps_clamp(
            network.activations[name], float(largest[name].max()), grows_only=free
        ):
            continue
        gain = _gain(largest[name], [] if free else found)
        _apply(network, operator, found, touched, gain)
    return network


def _readers_of(
    network: LoweredNetwork,
    readers: Mapping[str, list[LoweredOperator]],
    exposed: set[str],
    name: str,
    touched: list[tuple[str, int]],
) -> list[_Reader] | None:
    """Return every convolution that sees the channels of `name`, or None when something else does."""
    found: list[_Reader] = []
    waiting = [(name, 0)]
    while waiting:
        current, offset = waiting.pop()
        if current in exposed or not readers[current]:
            return None
        touched.append((current, offset))
        for operator in readers[current]:
            if operator.op == "conv":
                found.append(_Reader(operator, offset))
                continue
            shift = _passes(network, operator, current)
            if shift is None:
                return None
            waiting.append((operator.output, offset + shift))
    return found


def _passes(network: LoweredNetwork, operator: LoweredOperator, name: str) -> int | None:
    """Return by how much channels move when `operator` hands them on one by one; None when it mixes them."""
    if operator.kind.passes_gain:
        return 0
    if operator.op == "concat" and operator.attributes["axis"] == 2 and operator.inputs.count(name) == 1:
        position = operator.inputs.index(name)
        return sum(network.activations[other].shape[2] for other in operator.inputs[:position])
    return None


def _is_depthwise(operator: LoweredOperator) -> bool:
    return (
        operator.op == "conv"
        and operator.parameters["weight"].shape[3] == 1
        and operator.attributes["group"] != 1
    )


def _keeps_clamp(activation: Activation, top: float, *, grows_only: bool) -> bool:
    """Tell whether one pair of bounds still clamps every channel as before when the channels are scaled.

    A bound of 0 does. Where gains only grow channels to [-top, top], other bounds out there do too: they cut off what is
    larger than anything that was seen.
    """
    low, high = activation.low, activation.high
    below = low in (None, 0.0) or (grows_only and low is not None and low <= -top)
    above = high is None or (grows_only and high >= top)
    return below and above


def _gain(largest: Real, paying: list[_Reader]) -> Real:
    """Return the gain of each channel (C,); channels that are always 0 keep 1."""
    top = float(largest.max())
    if top <= 0.0:
        return np.ones_like(largest)
    gain = top / np.maximum(largest, top / _LARGEST_GAIN)
    if paying:
        demand = np.max([_weight_demand(reader, len(largest)) for reader in paying], axis=0)
        gain = gain**_BALANCE * demand ** (1.0 - _BALANCE)
    return np.where(largest > 0.0, gain, 1.0)


def _weight_demand(reader: _Reader, channels: int) -> Real:
    """Return how much of the weights' range each input channel needs: largest |w| over its row's largest, (C,)."""
    weight = np.abs(np.asarray(reader.operator.parameters["weight"], np.float64))
    outputs, _, _, inner = weight.shape
    groups = int(reader.operator.attributes["group"])  # type: ignore[arg-type]
    rows = weight.max(axis=(1, 2))
    rows /= np.maximum(rows.max(axis=1, keepdims=True), 1e-30)
    by_channel = rows.reshape(groups, outputs // groups, inner).max(axis=1).reshape(-1)
    demand: Real = np.maximum(by_channel[reader.offset : reader.offset + channels], 1e-3)
    return demand


def _apply(
    network: LoweredNetwork,
    operator: LoweredOperator,
    found: list[_Reader],
    touched: list[tuple[str, int]],
    gain: Real,
) -> None:
    if operator.kind.has_weights:  # a table takes the gain in when it is made
        column = gain.astype(np.float32).reshape(-1, 1, 1, 1)
        operator.parameters = {
            "weight": operator.parameters["weight"] * column,
            "bias": operator.parameters["bias"] * gain,
        }
    for name, offset in touched:
        activation = network.activations[name]
        whole = (
            np.ones(activation.shape[2]) if activation.rescaling is None else activation.rescaling.gain.copy()
        )
        whole[offset : offset + len(gain)] = gain
        activation.rescaling = gains_only(whole)
    for reader in found:
        weight = np.array(reader.operator.parameters["weight"], np.float32)
        outputs, _, _, inner = weight.shape
        groups = int(reader.operator.attributes["group"])  # type: ignore[arg-type]
        inputs = np.ones(groups * inner)
        inputs[reader.offset : reader.offset + len(gain)] = gain
        per_output = np.repeat(inputs.reshape(groups, inner), outputs // groups, axis=0)
        weight /= per_output.astype(np.float32)[:, None, None, :]
        reader.operator.parameters = {**reader.operator.parameters, "weight": weight}
