"""YOLOv10 (arXiv:2405.14458): YOLOv8 with cheaper layers where the plane is small, and attention on the smallest map.

It is trained with two heads of the same layers, of which one is deployed.
"""

from __future__ import annotations

from dataclasses import replace

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size, c2f, c2f_inverted, c2psa, sppf
from axemu.zoo._yolo_heads import head
from axemu.zoo._yolo_pyramid import Stage, down, pyramid

SIZES = {
    "n": Size(0.33, 0.25),
    "s": Size(0.33, 0.5),
    "m": Size(0.67, 0.75, 768),
    "b": Size(0.67, 1.0, 512),
    "l": Size(1.0, 1.0, 512),
    "x": Size(1.0, 1.25, 512),
}
INVERTED = {
    "n": ("pan1",),
    "s": ("stage3", "pan1"),
    "m": ("stage3", "pan0", "pan1"),
    "b": ("stage3", "up0", "pan0", "pan1"),
    "l": ("stage3", "up0", "pan0", "pan1"),
    "x": ("stage2", "stage3", "up0", "pan0", "pan1"),
}
"""The stages of inverted bottlenecks."""
LARGE_KERNEL = "ns"


def _separate_down(g: Graph, x: Value, size: Size, channels: int, name: str) -> Value:
    """Change the channels first, then halve the plane depthwise and without an activation."""
    with g.scope(name):
        y = conv_silu(g, x, size.channels(channels))
        return g.conv(y, y.channels, 3, 2, groups=y.channels)


def yolov10(g: Graph, x: Value, *, classes: int, width: float, variant: str) -> list[Value]:
    """Build YOLOv10 with its export head on an image `[1, 3, h, w]`; see `_yolo_heads.head` for the outputs."""
    size = SIZES[variant]
    size = replace(size, width=size.width * width)
    kernel = 7 if variant in LARGE_KERNEL else 3

    def stage(name: str, blocks: int = 3, *, shortcut: bool = False) -> Stage:
        if name in INVERTED[variant]:
            return lambda y, channels: c2f_inverted(
                g, y, size.channels(channels), size.blocks(blocks), kernel=kernel
            )
        return lambda y, channels: c2f(g, y, size.channels(channels), size.blocks(blocks), shortcut=shortcut)

    x = down(g, x, size, 64, "stem")
    levels: list[Value] = []
    for index, (channels, blocks) in enumerate(((128, 3), (256, 6), (512, 6), (1024, 3))):
        x = (down if index < 2 else _separate_down)(g, x, size, channels, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(f"stage{index}", blocks, shortcut=True)(x, channels)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    with g.scope("attention"):
        x = c2psa(g, x, 1)
    stages = [stage(name) for name in ("up0", "up1", "pan0", "pan1")]
    outputs = pyramid(g, x, (levels[1], levels[2]), size, stages, downs=(down, _separate_down))
    return head(g, outputs, task="detect", classes=classes, prototypes=size.channels(256), light=True)
