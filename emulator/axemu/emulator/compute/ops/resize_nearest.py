"""`resize_nearest`: index tables become byte offsets."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Address, Data, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import move as f
from axemu.model.program import Node


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copy."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    constants = lowering.constants(node)
    rows = constants["index_h"].astype(np.int64) * source.row
    columns = constants["index_w"].astype(np.int64) * source.pixel
    lowest, highest = int(rows.min() + columns.min()), int(rows.max() + columns.max())
    lowering.check(source, lowest, highest + source.width, write=False)
    descriptor = Descriptor(f.NEAREST_SIZE).update(
        {
            f.NEAREST_SOURCE: Address(source.buffer, source.start),
            f.NEAREST_TARGET: Address(output.buffer, output.start),
            f.NEAREST_TARGET_ROW: output.row,
            f.NEAREST_TARGET_PIXEL: output.pixel,
            f.NEAREST_ROWS: output.shape[0],
            f.NEAREST_COLUMNS: output.shape[1],
            f.NEAREST_ROW_OFFSETS: Data(rows.astype(np.int32)),
            f.NEAREST_COLUMN_OFFSETS: Data(columns.astype(np.int32)),
            f.NEAREST_WIDTH: output.width,
        }
    )
    chunks = lowering.chunks(output.pixels * output.width, output.shape[0])
    lowering.emit("resize_nearest", descriptor, reads=[source], writes=[output], chunks=chunks)
