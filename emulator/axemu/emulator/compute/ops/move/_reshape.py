"""`reshape`: both tensors walked in row-major order."""

from __future__ import annotations

from axemu.emulator.compute._layout import Address
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node

from .arguments import RESHAPE, Reshape


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copy."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    if source.shape == output.shape:
        lowering.copy(source, output)
        return
    arguments = Reshape(
        source=Address(source.buffer, source.start),
        source_columns=source.shape[1],
        source_channels=source.shape[2],
        source_row=source.row,
        source_pixel=source.pixel,
        target=Address(output.buffer, output.start),
        target_columns=output.shape[1],
        target_channels=output.shape[2],
        target_row=output.row,
        target_pixel=output.pixel,
        count=source.pixels * source.shape[2],
    )
    lowering.emit(RESHAPE(), arguments, reads=[source], writes=[output])
