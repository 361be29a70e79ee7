"""YOLO11: stages of small stages, and attention on the smallest map (github.com/ultralytics; no paper exists)."""

from __future__ import annotations

from dataclasses import replace

from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size, c2psa, c3k2, sppf
from axemu.zoo._yolo_heads import head
from axemu.zoo._yolo_pyramid import Stage, down, pyramid

SIZES = {
    "n": Size(0.5, 0.25),
    "s": Size(0.5, 0.5),
    "m": Size(0.5, 1.0, 512),
    "l": Size(1.0, 1.0, 512),
    "x": Size(1.0, 1.5, 512),
}
NESTED = "mlx"
"""The variants of which all stages are nested."""


def stage_of(g: Graph, size: Size, variant: str, *, nested: bool) -> Stage:
    """Return the stages of the pyramid; the larger variants nest all of theirs."""
    deep = nested or variant in NESTED
    return lambda y, channels: c3k2(g, y, size.channels(channels), size.blocks(2), nested=deep)


def backbone(g: Graph, x: Value, size: Size, variant: str) -> list[Value]:
    """Build what halves the image `[1, 3, h, w]` five times; returns the maps at strides 4, 8, 16 and 32."""
    x = down(g, x, size, 64, "stem")
    levels: list[Value] = []
    plan = ((128, 256, False, 0.25), (256, 512, False, 0.25), (512, 512, True, 0.5), (1024, 1024, True, 0.5))
    for index, (before, channels, nested, ratio) in enumerate(plan):
        x = down(g, x, size, before, f"down{index}")
        with g.scope(f"stage{index}"):
            deep = nested or variant in NESTED
            x = c3k2(g, x, size.channels(channels), size.blocks(2), nested=deep, ratio=ratio)
        levels.append(x)
    return levels


def yolo11(
    g: Graph, x: Value, *, classes: int, width: float, variant: str, task: str = "detect"
) -> list[Value]:
    """Build YOLO11 with its export head on an image `[1, 3, h, w]`; see `_yolo_heads.head` for the outputs."""
    size = SIZES[variant]
    size = replace(size, width=size.width * width)
    _, fine, middle, x = backbone(g, x, size, variant)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    with g.scope("attention"):
        x = c2psa(g, x, size.blocks(2))
    stages = [stage_of(g, size, variant, nested=nested) for nested in (False, False, False, True)]
    outputs = pyramid(g, x, (fine, middle), size, stages)
    return head(g, outputs, task=task, classes=classes, prototypes=size.channels(256), light=True)
