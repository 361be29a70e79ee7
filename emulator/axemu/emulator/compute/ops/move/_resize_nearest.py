"""`resize_nearest`: index tables become byte offsets."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data
from axemu.model.program import Node

from .arguments import RESIZE_NEAREST, ResizeNearest


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the copy."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    constants = assembler.constants(node)
    rows = constants["index_h"].astype(np.int64) * source.row
    columns = constants["index_w"].astype(np.int64) * source.pixel
    lowest, highest = int(rows.min() + columns.min()), int(rows.max() + columns.max())
    assembler.check(source, lowest, highest + source.width, write=False)
    arguments = ResizeNearest(
        source=Address(source.buffer, source.start),
        target=Address(output.buffer, output.start),
        target_row=output.row,
        target_pixel=output.pixel,
        rows=output.shape[0],
        columns=output.shape[1],
        row_offsets=Data(rows.astype(np.int32)),
        column_offsets=Data(columns.astype(np.int32)),
        width=output.width,
    )
    chunks = assembler.chunks(output.pixels * output.width, output.shape[0])
    assembler.emit(RESIZE_NEAREST(), arguments, reads=[source], writes=[output], chunks=chunks)
