"""RegNet (arXiv:2003.13678): stages whose widths follow a quantised line."""

from __future__ import annotations

import math
from itertools import groupby

from axemu.zoo._blocks import classifier, conv_relu, rounded_width, squeeze_excite
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph


def _stages(depth: int, start: float, slope: float, ratio: float, group: int) -> list[tuple[int, int, int]]:
    """Return (channels, blocks, channels per group) of each stage."""
    steps = [round(math.log((start + slope * block) / start) / math.log(ratio)) for block in range(depth)]
    stages = [
        (max(round(start * ratio**step / 8) * 8, 8), len(list(blocks))) for step, blocks in groupby(steps)
    ]
    return [(rounded_width(c, min(group, c)), blocks, min(group, c)) for c, blocks in stages]


def _block(g: Graph, x: Value, channels: int, stride: int, group: int, index: int, *, gated: bool) -> Value:
    skip = x
    if stride != 1 or x.channels != channels:
        with g.scope("proj"):
            skip = g.conv(x, channels, 1, stride)
    y = conv_relu(g, x, channels)
    y = conv_relu(g, y, channels, 3, stride, groups=channels // group)
    if gated:
        y = squeeze_excite(g, y, round(x.channels / 4), g.relu, shift=1.0)
    return g.relu(g.add(skip, g.conv(y, channels, std=g.branch_std(x, index))))


def regnet(
    g: Graph,
    x: Value,
    *,
    classes: int,
    width: float,
    depth: int,
    start: float,
    slope: float,
    ratio: float,
    group: int,
    gated: bool = False,
) -> list[Value]:
    """Build a RegNet on an image `[1, 3, h, w]`.

    Args:
        g: graph to add to.
        x: image.
        classes: number of classes.
        width: factor on the line of widths.
        depth: number of blocks.
        start: width of the line at the first block.
        slope: its increase per block.
        ratio: quotient of neighbouring quantised widths.
        group: channels per group.
        gated: blocks have squeeze-and-excitation (RegNetY).
    """
    with g.scope("stem"):
        x = conv_relu(g, x, 32, 3, 2)
    for stage, (channels, blocks, per_group) in enumerate(
        _stages(depth, start * width, slope * width, ratio, group)
    ):
        for block in range(blocks):
            with g.scope(f"stage{stage + 1}", block):
                x = _block(g, x, channels, 1 if block else 2, per_group, block, gated=gated)
    return classifier(g, x, classes)
