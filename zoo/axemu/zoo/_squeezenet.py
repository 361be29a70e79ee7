"""SqueezeNet (arXiv:1602.07360): fire modules, a convolution as classifier."""

from __future__ import annotations

from axemu.zoo._blocks import conv_relu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph

_SQUEEZE = (16, 16, 32, 32, 48, 48, 64, 64)


def _fire(g: Graph, x: Value, squeeze: int, expand: int) -> Value:
    x = conv_relu(g, x, squeeze)
    narrow, wide = g.conv(x, expand, 1), g.conv(x, expand, 3)
    return g.concat([g.relu(narrow), g.relu(wide)])


def squeezenet(
    g: Graph, x: Value, *, classes: int, width: float, stem: tuple[int, int], pool_before: tuple[int, ...]
) -> list[Value]:
    """Build a SqueezeNet.

    Args:
        g: graph to add to.
        x: image `[1, 3, h, w]`.
        classes: number of classes.
        width: factor on all channel counts.
        stem: channels and kernel of the first layer.
        pool_before: fire modules (from 0) that a pooling layer precedes.
    """
    channels, kernel = stem
    with g.scope("stem"):
        x = conv_relu(g, x, scaled(channels, width), kernel, 2, pad=0)
    for index, squeeze in enumerate(_SQUEEZE):
        with g.scope(f"fire{index + 2}"):
            if index in pool_before:
                x = g.max_pool(x, 3, 2, ceil_mode=True)
            x = _fire(g, x, scaled(squeeze, width), scaled(squeeze * 4, width))
    with g.scope("head"):
        return [g.flatten(g.global_pool(conv_relu(g, x, classes)))]
