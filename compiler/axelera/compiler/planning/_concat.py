"""Concatenation: the chip has none, so it is a matter of where parts are written, or a chain of pads and adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axelera.chip import METIS
from axelera.compiler.planning._counts import LANES, padded
from axelera.compiler.planning._steps import Step
from axelera.model.program import Node, Program

FAN_IN = 4
"""Parts that are summed as they come; more are all padded first (assumed; rests on DenseNet-121 alone)."""

L1_BYTES = int(METIS.l1_bytes) - int(METIS.l1_reserved)

if TYPE_CHECKING:
    from axelera.compiler.planning._build import StepBuilder


def is_aligned(program: Program, node: Node) -> bool:
    """Tell whether every part starts at a multiple of 64 channels, so that it can be written in place."""
    return all(program.tensors[name].shape[2] % LANES == 0 for name in node.inputs[:-1])


def concat_steps(builder: StepBuilder, node: Node) -> None:
    """Add the steps of a concatenation.

    Along channels and aligned: none. Otherwise each part is padded to the width of the whole in a temporary, shifted
    and added to the result. The chain is started once. The temporaries of a long chain are alive together and lie in
    DDR where L1 cannot hold them.
    """
    axis = node.attributes["axis"]
    if axis == 2 and is_aligned(builder.program, node):
        builder.write(node.output)
        return
    height, width, channels = builder.tensor(node.output).shape
    size = height * width * padded(channels)
    vectors = size // LANES
    parts = [name for name in node.inputs if name in builder.views]
    whole = builder.write(node.output)
    steps = builder.graph.steps
    if axis != 2:
        # Rows and columns keep their channels: one copy per part.
        reads = [builder.read(name) for name in parts]
        steps.append(Step(node.name, "concat", reads, whole, vectors=vectors))
        return
    first = len(steps)
    gathered = len(parts) > FAN_IN and len(parts) * size > L1_BYTES
    operands = []
    for number, name in enumerate(parts):
        part = builder.read(name)
        if part[1] < size:
            # Only a part that is stored narrower than the whole has to be padded.
            padded_part = whole
            if number or gathered:
                padded_part = builder.scratch(f"{node.output}/part{number}", size, spilled=gathered)
            steps.append(Step(f"{node.name}/pad{number}", "pad", [part], padded_part, vectors=vectors))
            part = padded_part
        operands.append(part)
    result = operands[0]
    for number, part in enumerate(operands[1:], 1):
        steps.append(Step(f"{node.name}/add{number}", "add", [part, result], whole, vectors=2 * vectors))
        result = whole
    if not gathered:
        steps[first:] = sorted(steps[first:], key=lambda step: int(step.name.rsplit("/", 1)[1][3:]))
    for step in steps[first + 1 :]:
        step.layers = 0
