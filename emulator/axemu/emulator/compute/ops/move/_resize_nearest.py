"""`resize_nearest`: index tables become byte offsets."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node

from .arguments import RESIZE_NEAREST, ResizeNearest


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copy."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    constants = lowering.constants(node)
    rows = constants["index_h"].astype(np.int64) * source.row
    columns = constants["index_w"].astype(np.int64) * source.pixel
    lowest, highest = int(rows.min() + columns.min()), int(rows.max() + columns.max())
    lowering.check(source, lowest, highest + source.width, write=False)
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
    chunks = lowering.chunks(output.pixels * output.width, output.shape[0])
    lowering.emit(RESIZE_NEAREST(), arguments, reads=[source], writes=[output], chunks=chunks)
