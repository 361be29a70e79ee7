"""EfficientNet (arXiv:1905.11946): inverted residuals with squeeze-and-excitation, scaled in width and depth."""

from __future__ import annotations

import math

from axemu.zoo._blocks import classifier, conv_silu, rounded_width, squeeze_excite
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph

# expansion, kernel, stride of the first, channels, blocks
_STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)  # fmt: skip


def _inverted(
    g: Graph, x: Value, channels: int, kernel: int, stride: int, expansion: int, index: int
) -> Value:
    y = x
    if expansion != 1:
        y = conv_silu(g, y, rounded_width(x.channels * expansion))
    y = conv_silu(g, y, y.channels, kernel, stride, groups=y.channels)
    y = squeeze_excite(g, y, max(1, x.channels // 4), g.silu)
    if stride == 1 and x.channels == channels:
        return g.add(g.conv(y, channels, std=g.branch_std(x, index)), x)
    return g.conv(y, channels)


def efficientnet(
    g: Graph, x: Value, *, classes: int, width: float, width_factor: float, depth_factor: float
) -> list[Value]:
    """Build an EfficientNet on an image `[1, 3, h, w]`; the two factors are those of its compound scaling."""
    factor = width_factor * width
    with g.scope("stem"):
        x = conv_silu(g, x, rounded_width(32 * factor), 3, 2)
    for stage, (expansion, kernel, stride, channels, blocks) in enumerate(_STAGES):
        for block in range(math.ceil(blocks * depth_factor)):
            with g.scope(f"stage{stage + 1}", block):
                step = 1 if block else stride
                x = _inverted(g, x, rounded_width(channels * factor), kernel, step, expansion, block)
    with g.scope("last"):
        x = conv_silu(g, x, 4 * x.channels)
    return classifier(g, x, classes)
