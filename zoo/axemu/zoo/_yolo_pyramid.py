"""What all YOLO families share: layers that halve the plane, and the pyramid that mixes three of its sizes."""

from __future__ import annotations

from collections.abc import Callable

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size

Stage = Callable[[Value, int], Value]


def down(g: Graph, x: Value, size: Size, channels: int, name: str, kernel: int = 3, pad: int = 1) -> Value:
    """Halve the plane with one layer; `channels` are unscaled."""
    with g.scope(name):
        return g.silu(g.conv(x, size.channels(channels), kernel, 2, pad=pad))


def pyramid(
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
        x = down(g, x, size, channels, f"pan{index}/down")
        with g.scope(f"pan{index}"):
            x = (last if index else stage)(g.concat([x, lateral]), channels * 2)
        outputs.append(x)
    return outputs
