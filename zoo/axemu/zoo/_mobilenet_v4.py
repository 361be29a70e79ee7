"""MobileNetV4, convolutional models (arXiv:2404.10518): universal inverted bottlenecks."""

from __future__ import annotations

from axemu.zoo._blocks import conv_relu, rounded_width
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph

# A block is (kernel of the first depthwise layer, kernel of the middle one, stride, expansion, channels); 0 leaves
# a depthwise layer out. A repeated block stands as often as it occurs.
Block = tuple[int, int, int, float, int]

# Stem and fused stages: (kernel, stride, channels) plain layers or (kernel, stride, expansion, channels) fused ones.
_FUSED: dict[str, tuple[tuple[int, ...], ...]] = {
    "small": ((3, 2, 32), (3, 2, 32), (1, 1, 32), (3, 2, 96), (1, 1, 64)),
    "medium": ((3, 2, 32), (3, 2, 4, 48)),
    "large": ((3, 2, 24), (3, 2, 4, 48)),
}
_BLOCKS: dict[str, tuple[tuple[int, Block], ...]] = {
    "small": (
        (1, (5, 5, 2, 3, 96)), (4, (0, 3, 1, 2, 96)), (1, (3, 0, 1, 4, 96)),
        (1, (3, 3, 2, 6, 128)), (1, (5, 5, 1, 4, 128)), (1, (0, 5, 1, 4, 128)), (1, (0, 5, 1, 3, 128)),
        (2, (0, 3, 1, 4, 128)),
    ),
    "medium": (
        (1, (3, 5, 2, 4, 80)), (1, (3, 3, 1, 2, 80)),
        (1, (3, 5, 2, 6, 160)), (2, (3, 3, 1, 4, 160)), (1, (3, 5, 1, 4, 160)), (1, (3, 3, 1, 4, 160)),
        (1, (3, 0, 1, 4, 160)), (1, (0, 0, 1, 2, 160)), (1, (3, 0, 1, 4, 160)),
        (1, (5, 5, 2, 6, 256)), (1, (5, 5, 1, 4, 256)), (2, (3, 5, 1, 4, 256)), (1, (0, 0, 1, 4, 256)),
        (1, (3, 0, 1, 4, 256)), (1, (3, 5, 1, 2, 256)), (1, (5, 5, 1, 4, 256)), (2, (0, 0, 1, 4, 256)),
        (1, (5, 0, 1, 2, 256)),
    ),
    "large": (
        (1, (3, 5, 2, 4, 96)), (1, (3, 3, 1, 4, 96)),
        (1, (3, 5, 2, 4, 192)), (3, (3, 3, 1, 4, 192)), (1, (3, 5, 1, 4, 192)), (5, (5, 3, 1, 4, 192)),
        (1, (3, 0, 1, 4, 192)),
        (1, (5, 5, 2, 4, 512)), (3, (5, 5, 1, 4, 512)), (1, (5, 0, 1, 4, 512)), (1, (5, 3, 1, 4, 512)),
        (2, (5, 0, 1, 4, 512)), (1, (5, 3, 1, 4, 512)), (1, (5, 5, 1, 4, 512)), (3, (5, 0, 1, 4, 512)),
    ),
}  # fmt: skip


def _strided(
    g: Graph, y: Value, channels: int, kernel: int, stride: int, groups: int, *, blur: bool
) -> Value:
    """Convolution and ReLU; an anti-aliased one keeps stride 1 and halves the plane by a mean afterwards."""
    if blur and stride == 2:
        return g.avg_pool(conv_relu(g, y, channels, kernel, groups=groups), 2, 2)
    return conv_relu(g, y, channels, kernel, stride, groups=groups)


def _universal(g: Graph, x: Value, block: Block, width: float, index: int, *, blur: bool) -> Value:
    start, middle, stride, expansion, wanted = block
    channels = rounded_width(wanted * width)
    y = x
    if start:
        y = g.conv(y, y.channels, start, 1 if middle else stride, groups=y.channels)
    y = conv_relu(g, y, rounded_width(x.channels * expansion))
    if middle:
        y = _strided(g, y, y.channels, middle, stride, y.channels, blur=blur)
    if stride == 1 and x.channels == channels:
        return g.add(g.conv(y, channels, std=g.branch_std(x, index)), x)
    return g.conv(y, channels)


def mobilenet_v4(
    g: Graph, x: Value, *, classes: int, width: float, variant: str, anti_aliased: bool = False
) -> list[Value]:
    """Build a convolutional MobileNetV4 on an image `[1, 3, h, w]`.

    Args:
        g: graph to add to.
        x: image.
        classes: number of classes.
        width: factor on all channel counts.
        variant: `small`, `medium` or `large`.
        anti_aliased: layers that halve the plane do so with a mean ("aa").
    """
    for index, layer in enumerate(_FUSED[variant]):
        with g.scope("stem" if index == 0 else f"fused{index}"):
            channels = rounded_width(layer[-1] * width)
            if len(layer) == 3:
                x = conv_relu(g, x, channels, layer[0], layer[1])
            else:
                x = _strided(g, x, x.channels * layer[2], layer[0], layer[1], 1, blur=anti_aliased)
                x = g.conv(x, channels)
    index = 0
    for repeats, block in _BLOCKS[variant]:
        for _ in range(repeats):
            with g.scope("block", index):
                x = _universal(g, x, block, width, index, blur=anti_aliased)
            index += 1
    with g.scope("head"):
        x = conv_relu(g, x, rounded_width(960 * width))
        x = conv_relu(g, g.global_pool(x), 1280)
        return [g.linear(g.flatten(x), classes)]
