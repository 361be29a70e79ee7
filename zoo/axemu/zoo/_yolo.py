"""YOLOv5 and YOLOv8: one pyramid, two kinds of stages.

The architectures are those of github.com/ultralytics (YOLOv5: doi.org/10.5281/zenodo.3908559); no paper exists for
YOLOv8.
"""

from __future__ import annotations

from dataclasses import replace

from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size, c2f, c3, sppf
from axemu.zoo._yolo_heads import head
from axemu.zoo._yolo_pyramid import down, pyramid

ANCHORS = 3
SIZES: dict[str, dict[str, Size]] = {
    "v5": {"n": Size(0.33, 0.25), "s": Size(0.33, 0.50), "m": Size(0.67, 0.75), "l": Size(1.0, 1.0)},
    "v8": {
        "n": Size(0.33, 0.25),
        "s": Size(0.33, 0.50),
        "m": Size(0.67, 0.75, 768),
        "l": Size(1.0, 1.0, 512),
    },
}


def yolov5(g: Graph, x: Value, *, classes: int, width: float, variant: str) -> list[Value]:
    """Build YOLOv5 on an image `[1, 3, h, w]`: three maps `[1, 3·(5 + classes), h/s, w/s]` at strides 8, 16, 32."""
    size = SIZES["v5"][variant]
    size = replace(size, width=size.width * width)

    def stage(y: Value, channels: int, blocks: int = 3, *, shortcut: bool = False) -> Value:
        return c3(g, y, size.channels(channels), size.blocks(blocks), shortcut=shortcut)

    x = down(g, x, size, 64, "stem", 6, 2)
    levels: list[Value] = []
    for index, (channels, blocks) in enumerate(((128, 3), (256, 6), (512, 9), (1024, 3))):
        x = down(g, x, size, channels, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(x, channels, blocks, shortcut=True)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    outputs = pyramid(g, x, (levels[1], levels[2]), size, [stage] * 4, squeeze=True)
    maps: list[Value] = []
    for level, output in enumerate(outputs):
        with g.scope("head", level):
            maps.append(g.conv(output, ANCHORS * (5 + classes), std=2.0))
    return maps


def yolov8(
    g: Graph, x: Value, *, classes: int, width: float, variant: str, task: str = "detect"
) -> list[Value]:
    """Build YOLOv8 with its export head on an image `[1, 3, h, w]`; see `_yolo_heads.head` for the outputs."""
    size = SIZES["v8"][variant]
    size = replace(size, width=size.width * width)

    def stage(y: Value, channels: int, blocks: int = 3, *, shortcut: bool = False) -> Value:
        return c2f(g, y, size.channels(channels), size.blocks(blocks), shortcut=shortcut)

    x = down(g, x, size, 64, "stem")
    levels: list[Value] = []
    for index, (channels, blocks) in enumerate(((128, 3), (256, 6), (512, 6), (1024, 3))):
        x = down(g, x, size, channels, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(x, channels, blocks, shortcut=True)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    outputs = pyramid(g, x, (levels[1], levels[2]), size, [stage] * 4)
    return head(g, outputs, task=task, classes=classes, prototypes=size.channels(256), light=False)
