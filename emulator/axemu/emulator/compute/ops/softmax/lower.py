"""`softmax` over the channels."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute._scalars import Quantise
from axemu.emulator.compute.ops._scalars import quantise
from axemu.model.program import Node

from .arguments import SOFTMAX, Softmax


def lower(lowering: Lowering, node: Node) -> None:
    """Append the softmax."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    chunks = lowering.chunks(8 * source.pixels * source.width, source.pixels)
    terms = lowering.buffer(f"{node.name} (terms)", (chunks, 1, 4 * output.width))
    scalars = Quantise(**quantise(lowering.numerics, lowering.tensor(node.output)))
    arguments = Softmax(
        input=Address(source.buffer, source.start),
        input_places=lowering.places(source),
        output=Address(output.buffer, output.start),
        places=lowering.places(output),
        pixels=source.pixels,
        channels=source.shape[2],
        table=Data(np.array(lowering.constants(node)["exp_table"], np.int32)),
        terms=Address(terms.buffer, terms.start),
        scalars=Data(scalars.pack()),
    )
    kernel = SOFTMAX(numerics=lowering.numerics)
    lowering.emit(kernel, arguments, reads=[source], writes=[output, terms], chunks=chunks)


LOWER = {"softmax": lower}
