"""ResNet and what changes one number in it: ResNeXt, Wide ResNet, and the small tiered ResNet-10t."""

from __future__ import annotations

from axemu.zoo._blocks import classifier, conv_relu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph


def _residual(g: Graph, x: Value, branch: Value, *, channels: int, stride: int, pooled: bool) -> Value:
    """Join a branch with the input, which is projected where its shape differs."""
    skip = x
    if stride != 1 or x.channels != channels:
        with g.scope("downsample"):
            if pooled and stride != 1:
                skip, stride = g.avg_pool(skip, stride, stride, ceil_mode=True, count_pad=False), 1
            skip = g.conv(skip, channels, 1, stride)
    return g.relu(g.add(branch, skip))


def _basic(g: Graph, x: Value, planes: int, stride: int, index: int, *, pooled: bool) -> Value:
    branch = conv_relu(g, x, planes, 3, stride)
    branch = g.conv(branch, planes, 3, std=g.branch_std(x, index))
    return _residual(g, x, branch, channels=planes, stride=stride, pooled=pooled)


def _bottleneck(
    g: Graph, x: Value, planes: int, stride: int, index: int, *, groups: int, inner: int
) -> Value:
    branch = conv_relu(g, x, inner)
    branch = conv_relu(g, branch, inner, 3, stride, groups=groups)
    branch = g.conv(branch, planes * 4, std=g.branch_std(x, index))
    return _residual(g, x, branch, channels=planes * 4, stride=stride, pooled=False)


def resnet(
    g: Graph,
    x: Value,
    *,
    classes: int,
    width: float,
    depths: tuple[int, int, int, int],
    bottleneck: bool = False,
    groups: int = 1,
    group_width: int = 64,
    tiered: bool = False,
) -> list[Value]:
    """Build a residual network.

    Args:
        g: graph to add to.
        x: image `[1, 3, h, w]`.
        classes: number of classes.
        width: factor on all channel counts.
        depths: blocks in each of the four stages.
        bottleneck: 1×1, 3×3, 1×1 blocks with stride in the 3×3 layer ("v1.5") instead of two 3×3 layers.
        groups: groups of the 3×3 layer in a bottleneck.
        group_width: channels per group and 64 planes.
        tiered: three 3×3 layers as stem and pooled projections.
    """
    with g.scope("stem"):
        if tiered:
            for channels, stride in ((24, 2), (32, 1), (64, 1)):
                x = conv_relu(g, x, scaled(channels, width), 3, stride)
        else:
            x = conv_relu(g, x, scaled(64, width), 7, 2)
        x = g.max_pool(x, 3, 2, pad=1)
    for stage, depth in enumerate(depths):
        planes = scaled(64 << stage, width)
        for block in range(depth):
            stride = 2 if stage and not block else 1
            with g.scope(f"layer{stage + 1}", block):
                if bottleneck:
                    inner = scaled((64 << stage) * group_width * groups // 64, width, 8 * groups)
                    x = _bottleneck(g, x, planes, stride, block, groups=groups, inner=inner)
                else:
                    x = _basic(g, x, planes, stride, block, pooled=tiered)
    return classifier(g, x, classes)
