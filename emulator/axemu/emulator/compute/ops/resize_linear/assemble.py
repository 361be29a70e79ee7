"""`resize_linear`: index tables become byte offsets, weights are rounded as the numerics says."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.ops._scalars import quantise
from axemu.model.ops import round_f18
from axemu.model.program import Node

from .arguments import RESIZE_LINEAR, ResizeLinear


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the resize."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    tensor, result = assembler.tensor(node.inputs[0]), assembler.tensor(node.output)
    constants = assembler.constants(node)
    exact = assembler.numerics == "exact"
    rows = constants["index_h"].astype(np.int64) * source.row
    columns = constants["index_w"].astype(np.int64) * source.pixel
    lowest, highest = int(rows.min() + columns.min()), int(rows.max() + columns.max())
    assembler.check(source, lowest, highest + source.width, write=False)
    weights = [
        np.array(constants[role], np.float32) if exact else round_f18(constants[role])
        for role in ("weight_h", "weight_w")
    ]
    scale = np.float32(tensor.scale) / np.float32(result.scale) if exact else round_f18(tensor.scale)
    scalars = Single(
        **quantise(assembler.numerics, result),
        input_scale=float(scale),
        input_zero=tensor.zero_point + 128,
    )
    arguments = ResizeLinear(
        input=Address(source.buffer, source.start),
        output=Address(output.buffer, output.start),
        output_row=output.row,
        output_pixel=output.pixel,
        rows=output.shape[0],
        columns=output.shape[1],
        row_offsets=Data(rows.astype(np.int32)),
        row_weights=Data(weights[0]),
        column_offsets=Data(columns.astype(np.int32)),
        column_weights=Data(weights[1]),
        width=output.width,
        scalars=Data(scalars.pack()),
    )
    chunks = assembler.chunks(4 * output.pixels * output.width, output.shape[0])
    kernel = RESIZE_LINEAR(numerics=assembler.numerics)
    assembler.emit(kernel, arguments, reads=[source], writes=[output], chunks=chunks)


ASSEMBLE = {"resize_linear": assemble}
