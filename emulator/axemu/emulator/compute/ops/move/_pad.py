"""`pad`: the output filled with the value, the input copied into it."""

from __future__ import annotations

from axemu.emulator.compute._analysis import number, value
from axemu.emulator.compute._assembler import Assembler
from axemu.model.program import Node


def assemble(assembler: Assembler, node: Node) -> None:
    """Append both."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    before = value(node, "before")
    if source.shape != output.shape:
        assembler.fill(output, number(node, "value") + 128)
    inner = output.part((before[0], before[1], before[2]), source.shape)
    assembler.copy(source, inner, ordered=True)
