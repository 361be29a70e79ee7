"""DenseNet (arXiv:1608.06993): every layer reads all layers of its block."""

from __future__ import annotations

from axemu.zoo._blocks import classifier, conv_relu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph


def densenet(
    g: Graph, x: Value, *, classes: int, width: float, depths: tuple[int, ...], growth: int = 32
) -> list[Value]:
    """Build a DenseNet on an image `[1, 3, h, w]`; batch normalisation before a ReLU stays a node."""
    growth = scaled(growth, width)
    with g.scope("stem"):
        x = g.max_pool(conv_relu(g, x, 2 * growth, 7, 2), 3, 2, pad=1)
    for stage, depth in enumerate(depths):
        if stage:
            with g.scope(f"transition{stage}"):
                x = g.conv(g.relu(g.batch_norm(x)), x.channels // 2, bias=False)
                x = g.avg_pool(x, 2, 2)
        features = [x]
        for layer in range(depth):
            with g.scope(f"dense{stage + 1}", layer):
                joined = g.concat(features) if layer else x
                y = conv_relu(g, g.relu(g.batch_norm(joined)), 4 * growth)
                features.append(g.conv(y, growth, 3, bias=False))
        with g.scope(f"dense{stage + 1}"):
            x = g.concat(features)
    with g.scope("last"):
        x = g.relu(g.batch_norm(x))
    return classifier(g, x, classes)
