"""`slice`: a view where possible, else a copy."""

from __future__ import annotations

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, External, View
from axemu.model.program import Node

from .arguments import COPY, Copy


def assemble(assembler: Assembler, node: Node) -> None:
    """Append a copy, unless the output is a view of the input."""
    if (
        node.output in assembler.analysis.aliases
        and assembler.analysis.aliases[node.output].name == node.inputs[0]
    ):
        return
    starts, steps = value(node, "starts"), value(node, "steps")
    target = assembler.view(node.output)
    name = node.inputs[0]
    if name in assembler.program.inputs:
        _, columns, channels = assembler.tensor(name).shape
        index = assembler.program.inputs.index(name)
        offset = (starts[0] * columns + starts[1]) * channels + starts[2]
        strides = (columns * channels * steps[0], channels * steps[1], steps[2])
        assembler.copy((External(output=False, index=index, offset=offset), strides), target)
        return
    copy_strided(
        assembler,
        assembler.view(name),
        (starts[0], starts[1], starts[2]),
        (steps[0], steps[1], steps[2]),
        target,
    )


def copy_strided(
    assembler: Assembler,
    source: View,
    starts: tuple[int, int, int],
    steps: tuple[int, int, int],
    target: View,
) -> None:
    """Append a copy of a regular part of a view."""
    rows, columns, channels = target.shape
    part = source.part(starts, target.shape)
    arguments = Copy(
        source=Address(source.buffer, part.start),
        source_row=source.row * steps[0],
        source_pixel=source.pixel * steps[1],
        source_channel=steps[2],
        target=Address(target.buffer, target.start),
        target_row=target.row,
        target_pixel=target.pixel,
        rows=rows,
        columns=columns,
        channels=channels,
    )
    chunks = assembler.chunks(rows * columns * channels, rows)
    assembler.emit(COPY(), arguments, reads=[source], writes=[target], chunks=chunks)
