"""Concatenation: the chip has none, so it is a matter of where parts are written, or a chain of adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axelera.compiler.planning._counts import LANES, padded
from axelera.compiler.planning._steps import Step
from axemu.chip import METIS
from axemu.model.program import Node, Program

FAN_IN = 6
"""Parts that are shifted and added as they come; more are all padded first (assumed; rests on DenseNet-121 alone)."""

L1_BYTES = int(METIS.l1_bytes) - int(METIS.l1_reserved)

if TYPE_CHECKING:
    from axelera.compiler.planning._build import StepBuilder


def is_aligned(program: Program, node: Node) -> bool:
    """Tell whether every part starts at a multiple of 64 channels, so that it can be written in place."""
    return all(program.tensors[name].shape[2] % LANES == 0 for name in node.inputs[:-1])


def concat_steps(builder: StepBuilder, node: Node) -> None:
    """Add the steps of a concatenation.

    Along channels and aligned: none. Otherwise the whole is cleared and each part, shifted to its place on the way in,
    is added to it; the chain is started once. A long chain that L1 cannot hold pads all its parts to the width of the
    whole first, in temporaries that are alive together and lie in DDR.
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
    operands = [builder.read(name) for name in parts]
    if len(parts) > FAN_IN and len(parts) * size > L1_BYTES:
        for number, part in enumerate(operands):
            operands[number] = builder.scratch(f"{node.output}/part{number}", size, spilled=True)
            name = f"{node.name}/pad{number}"
            steps.append(Step(name, "pad", [part], operands[number], vectors=vectors))
        result, rest = operands[0], operands[1:]
    else:
        steps.append(Step(f"{node.name}/clear", "pad", [], whole, vectors=vectors))
        result, rest = whole, operands
    for number, part in enumerate(rest, len(parts) - len(rest)):
        steps.append(Step(f"{node.name}/add{number}", "add", [part, result], whole, vectors=2 * vectors))
        result = whole
    for step in steps[first + 1 :]:
        step.layers = 0
