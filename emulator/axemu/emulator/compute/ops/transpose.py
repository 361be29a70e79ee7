"""`transpose`: a copy with permuted strides."""

from __future__ import annotations

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._layout import Address, Descriptor, View
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import move
from axemu.model.program import Node


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copy."""
    copy_permuted(lowering, lowering.view(node.inputs[0]), value(node, "perm"), lowering.view(node.output))


def copy_permuted(lowering: Lowering, source: View, perm: tuple[int, ...], target: View) -> None:
    """Append target axis i = source axis perm[i]."""
    strides = (source.row, source.pixel, 1)
    rows, columns, channels = target.shape
    descriptor = Descriptor(move.COPY_SIZE).update(
        {
            move.SOURCE: Address(source.buffer, source.start),
            move.SOURCE_ROW: strides[perm[0]],
            move.SOURCE_PIXEL: strides[perm[1]],
            move.SOURCE_CHANNEL: strides[perm[2]],
            move.TARGET: Address(target.buffer, target.start),
            move.TARGET_ROW: target.row,
            move.TARGET_PIXEL: target.pixel,
            move.ROWS: rows,
            move.COLUMNS: columns,
            move.CHANNELS: channels,
        }
    )
    chunks = lowering.chunks(4 * rows * columns * channels, rows)
    lowering.emit("copy", descriptor, reads=[source], writes=[target], chunks=chunks)
