"""`concat`: members that are not written in place are copied."""

from __future__ import annotations

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node


def lower(lowering: Lowering, node: Node) -> None:
    """Append the copies."""
    output, axis = lowering.view(node.output), number(node, "axis")
    for name, start in lowering.analysis.members[node.name]:
        starts = [0, 0, 0]
        starts[axis] = start
        source = lowering.view(name)
        lowering.copy(source, output.part((starts[0], starts[1], starts[2]), source.shape))
