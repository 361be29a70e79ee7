"""What all YOLO families share: layers that halve the plane, and the pyramid that mixes three of its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph
from axemu.zoo._yolo_blocks import Size

Stage = Callable[[Value, int], Value]
Down = Callable[[Graph, Value, Size, int, str], Value]


def down(g: Graph, x: Value, size: Size, channels: int, name: str, kernel: int = 3, pad: int = 1) -> Value:
    """Halve the plane with one layer; `channels` are unscaled."""
    with g.scope(name):
        return g.silu(g.conv(x, size.channels(channels), kernel, 2, pad=pad))


def pyramid(
    g: Graph,
    top: Value,
    sides: tuple[Value, Value],
    size: Size,
    stages: Sequence[Stage],
    *,
    downs: tuple[Down, Down] = (down, down),
    squeeze: bool = False,
) -> list[Value]:
    """Mix the three levels downwards and upwards again; returns the maps at strides 8, 16 and 32.

    Args:
        g: graph to add to.
        top: map at stride 32.
        sides: maps at strides 8 and 16.
        size: scaling of the variant.
        stages: what follows each of the four joins, in their order.
        downs: what halves the plane at strides 8 and 16.
        squeeze: a map is made narrower before it is enlarged, and that narrow map is what returns (YOLOv5).
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
            x = stages[index](g.concat([g.upsample(x), side]), channels)
    outputs = [x]
    for index, (channels, lateral) in enumerate(((256, laterals[1]), (512, laterals[0]))):
        x = downs[index](g, x, size, channels, f"pan{index}/down")
        with g.scope(f"pan{index}"):
            x = stages[2 + index](g.concat([x, lateral]), channels * 2)
        outputs.append(x)
    return outputs
