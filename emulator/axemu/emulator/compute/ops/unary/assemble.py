"""`lut`, `requantize` and `affine`: each is a table of 256 bytes, one for all channels or one per channel.

Only an `affine` whose channels differ is computed instead (`affine`): 16 channels at a time beat as many look-ups.
"""

from __future__ import annotations

from axemu.emulator.compute._arguments import Call
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute.ops._epilogue import assemble_range
from axemu.model.program import Node

from . import _affine
from .arguments import LUT, LUT_BY_CHANNEL, Table

OPERATORS = ("affine", "lut", "requantize")


def link(assembler: Assembler, node: Node, after: Call, table: Data | None) -> Call:
    """Return the call for a range; `table` replaces the node's own."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    by_channel = assembler.unary_table(node).ndim == 2
    if by_channel and node.op == "affine":
        return _affine.link(assembler, node, after)
    arguments = Table(
        input=Address(source.buffer, source.start),
        input_offsets=assembler.offsets(source),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        table=table or assembler.unary_data(node),
        dense=output.width if source.dense and output.dense else 0,
        after=after.kernel,
        after_arguments=after.arguments,
    )
    return Call((LUT_BY_CHANNEL if by_channel else LUT)(), arguments)


ASSEMBLE = dict.fromkeys(OPERATORS, assemble_range)
LINK = dict.fromkeys(OPERATORS, link)
