"""U-Net (arXiv:1505.04597) with bordered convolutions, so that the output has the size of the input."""

from __future__ import annotations

from axemu.zoo._blocks import conv_relu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph


def _double(g: Graph, x: Value, channels: int) -> Value:
    return conv_relu(g, conv_relu(g, x, channels, 3), channels, 3)


def unet(g: Graph, x: Value, *, classes: int, width: float, levels: int = 5) -> list[Value]:
    """Build a U-Net on an image `[1, 3, h, w]` whose sides are multiples of 16: logits `[1, classes, h, w]`."""
    channels = [scaled(64 << level, width) for level in range(levels)]
    skips: list[Value] = []
    for level, size in enumerate(channels):
        with g.scope(f"down{level}"):
            if skips:
                x = g.max_pool(x, 2, 2)
            x = _double(g, x, size)
            skips.append(x)
    for level in reversed(range(levels - 1)):
        with g.scope(f"up{level}"):
            x = g.concat([skips[level], g.conv_transpose(x, channels[level])])
            x = _double(g, x, channels[level])
    with g.scope("head"):
        return [g.conv(x, classes)]
