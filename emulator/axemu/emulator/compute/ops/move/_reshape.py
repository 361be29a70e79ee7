"""`reshape`: both tensors walked in row-major order."""

from __future__ import annotations

from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address
from axemu.model.program import Node

from .arguments import RESHAPE, Reshape


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the copy."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    if source.shape == output.shape:
        assembler.copy(source, output)
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
    assembler.emit(RESHAPE(), arguments, reads=[source], writes=[output])
