"""Blocks that several families share."""

from __future__ import annotations

from collections.abc import Callable

from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph, Pair

Activation = Callable[[Value], Value]


def scaled(channels: int, width: float, divisor: int = 8) -> int:
    """Multiply a channel count by a width factor, rounded to a multiple; a factor of one changes nothing."""
    return channels if width == 1.0 else max(divisor, round(channels * width / divisor) * divisor)


def rounded_width(channels: float, divisor: int = 8) -> int:
    """Round a channel count to a multiple, never down by more than a tenth (the MobileNet rule)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_relu(
    g: Graph,
    x: Value,
    channels: int,
    kernel: int | Pair = 1,
    stride: int = 1,
    *,
    pad: int | Pair | None = None,
    groups: int = 1,
) -> Value:
    """Convolution with folded batch normalisation, then ReLU."""
    return g.relu(g.conv(x, channels, kernel, stride, pad=pad, groups=groups))


def conv_silu(
    g: Graph, x: Value, channels: int, kernel: int = 1, stride: int = 1, *, groups: int = 1
) -> Value:
    """Convolution with folded batch normalisation, then SiLU."""
    return g.silu(g.conv(x, channels, kernel, stride, groups=groups))


def squeeze_excite(g: Graph, x: Value, squeezed: int, activation: Activation, *, shift: float = 0.0) -> Value:
    """Scale each channel by a gate that is computed from the means of all channels (arXiv:1709.01507).

    `shift` is the mean bias of the squeezed layer: with ReLU a positive one keeps a few channels from all ending at
    zero.
    """
    with g.scope("se"):
        gate = activation(g.conv(g.global_pool(x), squeezed, shift=shift))
        return g.mul(g.sigmoid(g.conv(gate, x.channels)), x)


def classifier(g: Graph, x: Value, classes: int) -> list[Value]:
    """Mean over the plane, then a fully connected layer: logits `[1, classes]`."""
    with g.scope("head"):
        return [g.linear(g.flatten(g.global_pool(x)), classes)]
