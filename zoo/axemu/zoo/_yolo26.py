"""YOLO26: YOLO11 with attention behind the last join and a head without bins (github.com/ultralytics).

It is trained with two heads of the same layers, of which one is deployed, and with layers that only training needs.
"""

from __future__ import annotations

from dataclasses import replace

from axemu.zoo._blocks import conv_silu, scaled
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo11 import SIZES, backbone, stage_of
from axemu.zoo._yolo_blocks import c2psa, c3k2_attention, sppf
from axemu.zoo._yolo_heads import head
from axemu.zoo._yolo_pyramid import Stage, pyramid

FEATURES = 1280


def yolo26(
    g: Graph, x: Value, *, classes: int, width: float, variant: str, task: str = "detect"
) -> list[Value]:
    """Build YOLO26 with its export head on an image `[1, 3, h, w]`; see `_yolo_heads.head` for the outputs.

    For the task `classify` there is no pyramid, and the output is a probability per class, `[1, classes]`.
    """
    size = SIZES[variant]
    size = replace(size, width=size.width * width)
    _, fine, middle, x = backbone(g, x, size, variant)
    if task != "classify":
        with g.scope("sppf"):
            x = sppf(g, x, size.channels(1024), residual=True)
    with g.scope("attention"):
        x = c2psa(g, x, size.blocks(2))
    if task == "classify":
        with g.scope("head"):
            features = conv_silu(g, x, scaled(FEATURES, width))
            return [g.softmax(g.linear(g.flatten(g.global_pool(features)), classes), 1)]

    def last(y: Value, channels: int) -> Value:
        return c3k2_attention(g, y, size.channels(channels))

    stage: Stage = stage_of(g, size, variant, nested=True)
    outputs = pyramid(g, x, (fine, middle), size, [stage, stage, stage, last])
    return head(
        g, outputs, task=task, classes=classes, prototypes=size.channels(256), light=True, direct=True
    )
