"""Concatenation: the chip has none, so it is a matter of where parts are written, or a chain of pads and adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axelera.compiler.planning._counts import LANES, padded
from axelera.compiler.planning._steps import Step
from axelera.model.program import Node, Program

if TYPE_CHECKING:
    from axelera.compiler.planning._build import StepBuilder


def is_aligned(program: Program, node: Node) -> bool:
    """Tell whether every part starts at a multiple of 64 channels, so that it can be written in place."""
    return all(program.tensors[name].shape[2] % LANES == 0 for name in node.inputs[:-1])


def concat_steps(builder: StepBuilder, node: Node) -> None:
    """Add the steps of a concatenation.

    Along channels and aligned: none. Otherwise each part is padded to the width of the whole in a temporary, shifted
    and added to the result; the first part makes the result itself. The chain is started once.
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
    result: tuple[str, int] | None = None
    for number, name in enumerate(parts):
        part = builder.read(name)
        if part[1] < size:
            # Only a part that is stored narrower than the whole has to be padded.
            target = whole if number == 0 else builder.scratch(f"{node.output}/part{number}", size)
            steps.append(Step(f"{node.name}/pad{number}", "pad", [part], target, vectors=vectors))
            part = target
        if result is None:
            result = part
        else:
            steps.append(Step(f"{node.name}/add{number}", "add", [part, result], whole, vectors=2 * vectors))
            result = whole
    for step in steps[first + 1 :]:
        step.layers = 0
