"""`resize_linear`: index tables become byte offsets, weights are rounded as the numerics says."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Address, Data, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import resize as f
from axemu.emulator.compute.fields import scalars as s
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._scalars import quantise_scalars


def lower(lowering: Lowering, node: Node) -> None:
    """Append the resize."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    tensor, result = lowering.tensor(node.inputs[0]), lowering.tensor(node.output)
    constants = lowering.constants(node)
    exact = lowering.numerics == "exact"
    rows = constants["index_h"].astype(np.int64) * source.row
    columns = constants["index_w"].astype(np.int64) * source.pixel
    lowest, highest = int(rows.min() + columns.min()), int(rows.max() + columns.max())
    lowering.check(source, lowest, highest + source.width, write=False)
    weights = [
        np.array(constants[role], np.float32) if exact else round_f18(constants[role])
        for role in ("weight_h", "weight_w")
    ]
    floats = quantise_scalars(lowering.numerics, result, s.UNARY_SIZE)
    floats[s.INPUT_SCALE] = (
        np.float32(tensor.scale) / np.float32(result.scale) if exact else round_f18(tensor.scale)
    )
    floats.view(np.int32)[s.INPUT_ZERO] = tensor.zero_point + 128
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.OUTPUT: Address(output.buffer, output.start),
            f.OUTPUT_ROW: output.row,
            f.OUTPUT_PIXEL: output.pixel,
            f.ROWS: output.shape[0],
            f.COLUMNS: output.shape[1],
            f.ROW_OFFSETS: Data(rows.astype(np.int32)),
            f.ROW_WEIGHTS: Data(weights[0]),
            f.COLUMN_OFFSETS: Data(columns.astype(np.int32)),
            f.COLUMN_WEIGHTS: Data(weights[1]),
            f.WIDTH: output.width,
            f.SCALARS: Data(floats),
        }
    )
    chunks = lowering.chunks(4 * output.pixels * output.width, output.shape[0])
    lowering.emit(
        f"resize_linear_{lowering.numerics}", descriptor, reads=[source], writes=[output], chunks=chunks
    )
