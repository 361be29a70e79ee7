"""`transpose`: a copy with permuted strides."""

from __future__ import annotations

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, View
from axemu.model.program import Node

from .arguments import COPY, Copy


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the copy."""
    copy_permuted(assembler, assembler.view(node.inputs[0]), value(node, "perm"), assembler.view(node.output))


def copy_permuted(assembler: Assembler, source: View, perm: tuple[int, ...], target: View) -> None:
    """Append target axis i = source axis perm[i]."""
    strides = (source.row, source.pixel, 1)
    rows, columns, channels = target.shape
    arguments = Copy(
        source=Address(source.buffer, source.start),
        source_row=strides[perm[0]],
        source_pixel=strides[perm[1]],
        source_channel=strides[perm[2]],
        target=Address(target.buffer, target.start),
        target_row=target.row,
        target_pixel=target.pixel,
        rows=rows,
        columns=columns,
        channels=channels,
    )
    chunks = assembler.chunks(4 * rows * columns * channels, rows)
    assembler.emit(COPY(), arguments, reads=[source], writes=[target], chunks=chunks)
