"""MobileNetV2 (arXiv:1801.04381): inverted residuals with linear bottlenecks."""

from __future__ import annotations

from axemu.zoo._blocks import classifier, rounded_width
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph

# expansion, channels, blocks, stride of the first
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _inverted(g: Graph, x: Value, channels: int, stride: int, expansion: int, index: int) -> Value:
    y = x
    if expansion != 1:
        y = g.relu6(g.conv(y, x.channels * expansion))
    y = g.relu6(g.conv(y, y.channels, 3, stride, groups=y.channels))
    if stride == 1 and x.channels == channels:
        return g.add(x, g.conv(y, channels, std=g.branch_std(x, index)))
    return g.conv(y, channels)


def mobilenet_v2(g: Graph, x: Value, *, classes: int, width: float) -> list[Value]:
    """Build MobileNetV2 on an image `[1, 3, h, w]`; `width` is the paper's multiplier."""
    with g.scope("stem"):
        x = g.relu6(g.conv(x, rounded_width(32 * width), 3, 2))
    for stage, (expansion, channels, blocks, stride) in enumerate(_STAGES):
        for block in range(blocks):
            with g.scope(f"stage{stage + 1}", block):
                step = 1 if block else stride
                x = _inverted(g, x, rounded_width(channels * width), step, expansion, block)
    with g.scope("last"):
        x = g.relu6(g.conv(x, rounded_width(1280 * max(1.0, width))))
    return classifier(g, x, classes)
