"""`reshape`: both tensors walked in row-major order."""

from __future__ import annotations

from axemu.emulator.compute._layout import Address, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import move as f
from axemu.model.program import Node


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copy."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    if source.shape == output.shape:
        lowering.copy(source, output)
        return
    descriptor = Descriptor(f.FLAT_SIZE).update(
        {
            f.FLAT_SOURCE: Address(source.buffer, source.start),
            f.FLAT_SOURCE_COLUMNS: source.shape[1],
            f.FLAT_SOURCE_CHANNELS: source.shape[2],
            f.FLAT_SOURCE_ROW: source.row,
            f.FLAT_SOURCE_PIXEL: source.pixel,
            f.FLAT_TARGET: Address(output.buffer, output.start),
            f.FLAT_TARGET_COLUMNS: output.shape[1],
            f.FLAT_TARGET_CHANNELS: output.shape[2],
            f.FLAT_TARGET_ROW: output.row,
            f.FLAT_TARGET_PIXEL: output.pixel,
            f.FLAT_COUNT: source.pixels * source.shape[2],
        }
    )
    lowering.emit("reshape", descriptor, reads=[source], writes=[output])
