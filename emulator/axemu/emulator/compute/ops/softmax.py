"""`softmax` over the channels."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Address, Data, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import scalars as s
from axemu.emulator.compute.fields import softmax as f
from axemu.model.program import Node

from ._scalars import quantise_scalars


def lower(lowering: Lowering, node: Node) -> None:
    """Append the softmax."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    chunks = lowering.chunks(8 * source.pixels * source.width, source.pixels)
    terms = lowering.buffer(f"{node.name} (terms)", (chunks, 1, 4 * output.width))
    floats = quantise_scalars(lowering.numerics, lowering.tensor(node.output), s.QUANTISE_SIZE)
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.INPUT_PLACES: lowering.places(source),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PLACES: lowering.places(output),
            f.PIXELS: source.pixels,
            f.CHANNELS: source.shape[2],
            f.TABLE: Data(np.array(lowering.constants(node)["exp_table"], np.int32)),
            f.TERMS: Address(terms.buffer, terms.start),
            f.SCALARS: Data(floats),
        }
    )
    kernel = f"softmax_{lowering.numerics}"
    lowering.emit(kernel, descriptor, reads=[source], writes=[output, terms], chunks=chunks)
