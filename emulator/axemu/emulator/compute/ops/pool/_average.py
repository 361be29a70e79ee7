"""`avg_pool`: per output pixel a start value for the sum and a factor."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._analysis import attribute, value
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Data
from axemu.emulator.compute.ops._scalars import quantise
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._window import lower_pool, spans
from .arguments import AVG_POOL, Mean


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the pool."""
    source, output = assembler.tensor(node.inputs[0]), assembler.tensor(node.output)
    met = (
        spans(node, 0, source.shape[0], output.shape[0])[:, 1][:, None]
        * spans(node, 1, source.shape[1], output.shape[1])[:, 1][None, :]
    )
    counts, padding = met, np.zeros_like(met)
    if attribute(node, "count_include_pad"):
        kernel = value(node, "kernel")
        counts = np.full_like(met, kernel[0] * kernel[1])
        padding = (counts - met) * min(127, max(-128, source.zero_point))
    starts = padding - 128 * met
    scalars = Mean(
        **quantise(assembler.numerics, output),
        input_scale=float(round_f18(source.scale)),
        input_zero=source.zero_point,
    )
    if assembler.numerics == "exact":
        starts = starts - counts * source.zero_point
        divisor = np.float32(output.scale) * counts.astype(np.float32)
        factors = np.float32(source.scale) / divisor
    else:
        factors = round_f18(np.float32(1.0) / counts.astype(np.float32))
    lower_pool(
        assembler,
        node,
        AVG_POOL(numerics=assembler.numerics),
        Data(starts.astype(np.int32)),
        Data(factors.astype(np.float32)),
        Data(scalars.pack()),
    )
