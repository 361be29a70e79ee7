"""Windows of pools: which rows and columns of the input each output row and column meets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._arguments import Kernel
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute.ops._epilogue import link_epilogue
from axemu.model.program import Node

from .arguments import Pool


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
    assembler: Assembler, node: Node, kernel: Kernel[Pool], starts: Data, factors: Data, scalars: Data | None
) -> None:
    """Append a pool."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    dilations = value(node, "dilations")
    rows = spans(node, 0, source.shape[0], output.shape[0])
    columns = spans(node, 1, source.shape[1], output.shape[1])
    rows[:, 0] *= source.row
    columns[:, 0] *= source.pixel
    row_step, column_step = dilations[0] * source.row, dilations[1] * source.pixel
    reach = int((rows[:, 0] + np.maximum(0, rows[:, 1] - 1) * row_step).max())
    reach += int((columns[:, 0] + np.maximum(0, columns[:, 1] - 1) * column_step).max())
    assembler.check(source, 0, reach + source.width, write=False)
    after = link_epilogue(assembler, assembler.epilogue(node))
    arguments = Pool(
        input=Address(source.buffer, source.start),
        input_row=source.row,
        input_pixel=source.pixel,
        output=Address(output.buffer, output.start),
        output_row=output.row,
        output_pixel=output.pixel,
        rows=output.shape[0],
        columns=output.shape[1],
        row_spans=Data(rows.astype(np.int32)),
        column_spans=Data(columns.astype(np.int32)),
        row_step=row_step,
        column_step=column_step,
        width=output.width,
        starts=starts,
        factors=factors,
        scalars=scalars,
        after=after.kernel,
        after_arguments=after.arguments,
    )
    taps = int(rows[:, 1].max() * columns[:, 1].max())
    chunks = assembler.chunks(output.pixels * output.width * taps, output.shape[0])
    reads = [source, *assembler.fused_reads(node)]
    assembler.emit(kernel, arguments, reads=reads, writes=[output], chunks=chunks)
