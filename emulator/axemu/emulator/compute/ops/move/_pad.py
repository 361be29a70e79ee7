"""`pad`: the output filled with the value, the input copied into it."""

from __future__ import annotations

from axemu.emulator.compute._analysis import number, value
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node


def lower(lowering: Lowering, node: Node) -> None:
    """Append both."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    before = value(node, "before")
    if source.shape != output.shape:
        lowering.fill(output, number(node, "value") + 128)
    inner = output.part((before[0], before[1], before[2]), source.shape)
    lowering.copy(source, inner, ordered=True)
