"""YOLOv5, YOLOv8 and YOLO11: one pyramid, three kinds of stages.

The architectures are those of github.com/ultralytics (YOLOv5: doi.org/10.5281/zenodo.3908559); no paper exists for
YOLOv8 and YOLO11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size, c2f, c2psa, c3, c3k2, sppf
from axemu.zoo._yolo_heads import head

ANCHORS = 3
SIZES: dict[str, dict[str, Size]] = {
    "v5": {"n": Size(0.33, 0.25), "s": Size(0.33, 0.50), "m": Size(0.67, 0.75), "l": Size(1.0, 1.0)},
    "v8": {
        "n": Size(0.33, 0.25),
        "s": Size(0.33, 0.50),
        "m": Size(0.67, 0.75, 768),
        "l": Size(1.0, 1.0, 512),
    },
    "11": {
        "n": Size(0.5, 0.25),
        "s": Size(0.5, 0.5),
        "m": Size(0.5, 1.0, 512),
        "l": Size(1.0, 1.0, 512),
        "x": Size(1.0, 1.5, 512),
    },
}

Stage = Callable[[Value, int], Value]


def _down(g: Graph, x: Value, size: Size, channels: int, name: str, kernel: int = 3, pad: int = 1) -> Value:
    with g.scope(name):
        return g.silu(g.conv(x, size.channels(channels), kernel, 2, pad=pad))


def _pyramid(
    g: Graph, top: Value, sides: tuple[Value, Value], size: Size, stage: Stage, last: Stage, *, squeeze: bool
) -> list[Value]:
    """Mix the three levels downwards and upwards again; returns the maps at strides 8, 16 and 32.

    With `squeeze` (YOLOv5) a map is made narrower before it is enlarged, and that narrow map is what returns.
    """
    fine, middle = sides
    laterals: list[Value] = []
    x = top
    for index, (side, channels) in enumerate(((middle, 512), (fine, 256))):
        if squeeze:
            with g.scope(f"lateral{index}"):
                x = conv_silu(g, x, size.channels(channels))
        laterals.append(x)
        with g.scope(f"up{index}"):
            x = stage(g.concat([g.upsample(x), side]), channels)
    outputs = [x]
    for index, (channels, lateral) in enumerate(((256, laterals[1]), (512, laterals[0]))):
        x = _down(g, x, size, channels, f"pan{index}/down")
        with g.scope(f"pan{index}"):
            x = (last if index else stage)(g.concat([x, lateral]), channels * 2)
        outputs.append(x)
    return outputs


def yolov5(g: Graph, x: Value, *, classes: int, width: float, variant: str) -> list[Value]:
    """Build YOLOv5 on an image `[1, 3, h, w]`: three maps `[1, 3·(5 + classes), h/s, w/s]` at strides 8, 16, 32."""
    size = SIZES["v5"][variant]
    size = replace(size, width=size.width * width)

    def stage(y: Value, channels: int, blocks: int = 3, *, shortcut: bool = False) -> Value:
        return c3(g, y, size.channels(channels), size.blocks(blocks), shortcut=shortcut)

    x = _down(g, x, size, 64, "stem", 6, 2)
    levels: list[Value] = []
    for index, (channels, blocks) in enumerate(((128, 3), (256, 6), (512, 9), (1024, 3))):
        x = _down(g, x, size, channels, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(x, channels, blocks, shortcut=True)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    outputs = _pyramid(g, x, (levels[1], levels[2]), size, stage, stage, squeeze=True)
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

    x = _down(g, x, size, 64, "stem")
    levels: list[Value] = []
    for index, (channels, blocks) in enumerate(((128, 3), (256, 6), (512, 6), (1024, 3))):
        x = _down(g, x, size, channels, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(x, channels, blocks, shortcut=True)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    outputs = _pyramid(g, x, (levels[1], levels[2]), size, stage, stage, squeeze=False)
    return head(g, outputs, task=task, classes=classes, prototypes=size.channels(256), light=False)


def yolo11(
    g: Graph, x: Value, *, classes: int, width: float, variant: str, task: str = "detect"
) -> list[Value]:
    """Build YOLO11 with its export head on an image `[1, 3, h, w]`; see `_yolo_heads.head` for the outputs."""
    size = SIZES["11"][variant]
    always_nested = variant in "mlx"
    size = replace(size, width=size.width * width)

    def stage(y: Value, channels: int, *, nested: bool = False, ratio: float = 0.5) -> Value:
        return c3k2(
            g, y, size.channels(channels), size.blocks(2), nested=nested or always_nested, ratio=ratio
        )

    x = _down(g, x, size, 64, "stem")
    levels: list[Value] = []
    plan = ((128, 256, False, 0.25), (256, 512, False, 0.25), (512, 512, True, 0.5), (1024, 1024, True, 0.5))
    for index, (before, channels, nested, ratio) in enumerate(plan):
        x = _down(g, x, size, before, f"down{index}")
        with g.scope(f"stage{index}"):
            x = stage(x, channels, nested=nested, ratio=ratio)
        levels.append(x)
    with g.scope("sppf"):
        x = sppf(g, x, size.channels(1024))
    with g.scope("attention"):
        x = c2psa(g, x, size.blocks(2))
    last = partial(stage, nested=True)
    outputs = _pyramid(g, x, (levels[1], levels[2]), size, stage, last, squeeze=False)
    return head(g, outputs, task=task, classes=classes, prototypes=size.channels(256), light=True)
