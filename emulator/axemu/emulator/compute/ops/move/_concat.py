"""`concat`: members that are not written in place are copied."""

from __future__ import annotations

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._assembler import Assembler
from axemu.model.program import Node


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the copies."""
    output, axis = assembler.view(node.output), number(node, "axis")
    for name, start in assembler.analysis.members[node.name]:
        starts = [0, 0, 0]
        starts[axis] = start
        source = assembler.view(name)
        assembler.copy(source, output.part((starts[0], starts[1], starts[2]), source.shape))
