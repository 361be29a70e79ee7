"""`softmax` over the channels."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._scalars import Quantise
from axemu.emulator.compute.ops._scalars import quantise
from axemu.model.program import Node

from .arguments import SOFTMAX, Softmax


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the softmax."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    chunks = assembler.chunks(8 * source.pixels * source.width, source.pixels)
    terms = assembler.buffer(f"{node.name} (terms)", (chunks, 1, 4 * output.width))
    scalars = Quantise(**quantise(assembler.numerics, assembler.tensor(node.output)))
    arguments = Softmax(
        input=Address(source.buffer, source.start),
        input_offsets=assembler.offsets(source),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        pixels=source.pixels,
        channels=source.shape[2],
        table=Data(np.array(assembler.constants(node)["exp_table"], np.int32)),
        terms=Address(terms.buffer, terms.start),
        scalars=Data(scalars.pack()),
    )
    kernel = SOFTMAX(numerics=assembler.numerics)
    assembler.emit(kernel, arguments, reads=[source], writes=[output, terms], chunks=chunks)


ASSEMBLE = {"softmax": assemble}
