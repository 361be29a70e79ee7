"""`matmul` of two computed tensors; a transposed right operand is first turned round in scratch memory."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._analysis import attribute
from axemu.emulator.compute._layout import Address, Data, Descriptor, View
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import matmul as f
from axemu.emulator.compute.fields import move
from axemu.emulator.compute.fields import scalars as s
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._scalars import quantise_scalars


def lower(lowering: Lowering, node: Node) -> None:
    """Append the product."""
    left, right = (lowering.view(name) for name in node.inputs)
    output = lowering.view(node.output)
    if attribute(node, "transpose_b"):
        right = _turned(lowering, node, right)
    first, second = (lowering.tensor(name) for name in node.inputs)
    result = lowering.tensor(node.output)
    floats = quantise_scalars(lowering.numerics, result, s.ELEMENTWISE_SIZE)
    scale = np.float32(first.scale) * np.float32(second.scale)
    exact = lowering.numerics == "exact"
    floats[s.LEFT_SCALE] = scale / np.float32(result.scale) if exact else round_f18(scale)
    floats.view(np.int32)[s.LEFT_ZERO_I32] = first.zero_point + 128
    floats.view(np.int32)[s.RIGHT_ZERO_I32] = second.zero_point + 128
    descriptor = Descriptor(f.SIZE).update(
        {
            f.LEFT: Address(left.buffer, left.start),
            f.LEFT_PLACES: lowering.places(left),
            f.RIGHT: Address(right.buffer, right.start),
            f.RIGHT_PLACES: lowering.places(right),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PLACES: lowering.places(output),
            f.ROWS: left.pixels,
            f.DEPTH: left.shape[2],
            f.WIDTH: output.width,
            f.SCALARS: Data(floats),
        }
    )
    chunks = lowering.chunks(left.pixels * left.shape[2] * output.width, left.pixels)
    lowering.emit(
        f"matmul_{lowering.numerics}", descriptor, reads=[left, right], writes=[output], chunks=chunks
    )


def _turned(lowering: Lowering, node: Node, right: View) -> View:
    """Return the right operand with pixels and channels exchanged: (1, C, H × W)."""
    rows, columns, channels = right.shape
    turned = lowering.buffer(f"{node.name} (transposed)", (1, channels, rows * columns))
    for row in range(rows):
        descriptor = Descriptor(move.COPY_SIZE).update(
            {
                move.SOURCE: Address(right.buffer, right.start + row * right.row),
                move.SOURCE_PIXEL: 1,
                move.SOURCE_CHANNEL: right.pixel,
                move.TARGET: Address(turned.buffer, turned.start + row * columns),
                move.TARGET_PIXEL: turned.pixel,
                move.ROWS: 1,
                move.COLUMNS: channels,
                move.CHANNELS: columns,
            }
        )
        lowering.emit("copy", descriptor, reads=[right], writes=[turned])
    return turned
