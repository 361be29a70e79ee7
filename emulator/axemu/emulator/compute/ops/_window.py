"""Windows of pools: which rows and columns of the input each output row and column meets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._layout import Address, Data, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import pool as f
from axemu.model.program import Node

from ._follow import link_followers


def spans(node: Node, axis: int, size: int, positions: int) -> npt.NDArray[np.int64]:
    """Return (positions, 2): the first input row (or column) a window meets and how many it meets."""
    kernel, stride = value(node, "kernel")[axis], value(node, "strides")[axis]
    dilation, pad = value(node, "dilations")[axis], value(node, "pads")[axis]
    start = np.arange(positions, dtype=np.int64) * stride - pad
    first = np.maximum(0, -(start // dilation))  # first tap that is not in the padding
    last = np.minimum(kernel - 1, (size - 1 - start) // dilation)
    count = np.maximum(0, last - first + 1)
    begin = np.where(count > 0, start + first * dilation, 0)
    return np.stack([begin, count], axis=1)


def lower_pool(
    lowering: Lowering, node: Node, kernel: str, starts: Data, factors: Data, scalars: Data | int
) -> None:
    """Append a pool."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    dilations = value(node, "dilations")
    rows = spans(node, 0, source.shape[0], output.shape[0])
    columns = spans(node, 1, source.shape[1], output.shape[1])
    rows[:, 0] *= source.row
    columns[:, 0] *= source.pixel
    row_step, column_step = dilations[0] * source.row, dilations[1] * source.pixel
    reach = int((rows[:, 0] + np.maximum(0, rows[:, 1] - 1) * row_step).max())
    reach += int((columns[:, 0] + np.maximum(0, columns[:, 1] - 1) * column_step).max())
    lowering.check(source, 0, reach + source.width, write=False)
    after, after_descriptor = link_followers(lowering, lowering.followers(node))
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.INPUT_ROW: source.row,
            f.INPUT_PIXEL: source.pixel,
            f.OUTPUT: Address(output.buffer, output.start),
            f.OUTPUT_ROW: output.row,
            f.OUTPUT_PIXEL: output.pixel,
            f.ROWS: output.shape[0],
            f.COLUMNS: output.shape[1],
            f.ROW_SPANS: Data(rows.astype(np.int32)),
            f.COLUMN_SPANS: Data(columns.astype(np.int32)),
            f.ROW_STEP: row_step,
            f.COLUMN_STEP: column_step,
            f.WIDTH: output.width,
            f.STARTS: starts,
            f.FACTORS: factors,
            f.SCALARS: scalars,
            f.AFTER: after,
            f.AFTER_DESCRIPTOR: after_descriptor,
        }
    )
    taps = int(rows[:, 1].max() * columns[:, 1].max())
    chunks = lowering.chunks(output.pixels * output.width * taps, output.shape[0])
    reads = [source, *lowering.follower_reads(node)]
    lowering.emit(kernel, descriptor, reads=reads, writes=[output], chunks=chunks)
