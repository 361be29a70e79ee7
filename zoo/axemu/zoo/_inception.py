"""Inception v3 (arXiv:1512.00567), without the auxiliary classifier that only training uses."""

from __future__ import annotations

from axemu.zoo._blocks import classifier, conv_relu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph, Pair

# A layer is (channels, kernel) or (channels, kernel, stride); a layer with a stride has no border.
Layer = tuple[int, int | Pair] | tuple[int, int | Pair, int]


def inception_v3(g: Graph, x: Value, *, classes: int, width: float) -> list[Value]:
    """Build Inception v3 on an image `[1, 3, h, w]` of at least 75 × 75 pixels."""

    def go(y: Value, *layers: Layer) -> Value:
        for channels, kernel, *stride in layers:
            if stride:
                y = conv_relu(g, y, scaled(channels, width), kernel, stride[0], pad=0)
            else:
                y = conv_relu(g, y, scaled(channels, width), kernel)
        return y

    with g.scope("stem"):
        x = go(x, (32, 3, 2), (32, 3, 1), (64, 3))
        x = go(g.max_pool(x, 3, 2), (80, 1), (192, 3, 1))
        x = g.max_pool(x, 3, 2)
    for index, pooled in enumerate((32, 64, 64)):
        with g.scope(f"a{index}"):
            x = g.concat([
                go(x, (64, 1)),
                go(x, (48, 1), (64, 5)),
                go(x, (64, 1), (96, 3), (96, 3)),
                go(g.avg_pool(x, 3, 1, pad=1), (pooled, 1)),
            ])  # fmt: skip
    with g.scope("b"):
        x = g.concat([go(x, (384, 3, 2)), go(x, (64, 1), (96, 3), (96, 3, 2)), g.max_pool(x, 3, 2)])
    row, column = (1, 7), (7, 1)
    for index, inner in enumerate((128, 160, 160, 192)):
        with g.scope(f"c{index}"):
            x = g.concat([
                go(x, (192, 1)),
                go(x, (inner, 1), (inner, row), (192, column)),
                go(x, (inner, 1), (inner, column), (inner, row), (inner, column), (192, row)),
                go(g.avg_pool(x, 3, 1, pad=1), (192, 1)),
            ])  # fmt: skip
    with g.scope("d"):
        x = g.concat([
            go(x, (192, 1), (320, 3, 2)),
            go(x, (192, 1), (192, row), (192, column), (192, 3, 2)),
            g.max_pool(x, 3, 2),
        ])  # fmt: skip
    for index in range(2):
        with g.scope(f"e{index}"):
            middle, double = go(x, (384, 1)), go(x, (448, 1), (384, 3))
            x = g.concat([
                go(x, (320, 1)),
                g.concat([go(middle, (384, (1, 3))), go(middle, (384, (3, 1)))]),
                g.concat([go(double, (384, (1, 3))), go(double, (384, (3, 1)))]),
                go(g.avg_pool(x, 3, 1, pad=1), (192, 1)),
            ])  # fmt: skip
    return classifier(g, x, classes)
