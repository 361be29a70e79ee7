"""`matmul` of two computed tensors; a transposed right operand is first turned round in scratch memory."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._analysis import attribute
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data, View
from axemu.emulator.compute.ops._scalars import quantise
from axemu.emulator.compute.ops.move.arguments import COPY, Copy
from axemu.model.ops import round_f18
from axemu.model.program import Node

from .arguments import MATMUL, Matmul, Product


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the product."""
    left, right = (assembler.view(name) for name in node.inputs)
    output = assembler.view(node.output)
    if attribute(node, "transpose_b"):
        right = _turned(assembler, node, right)
    first, second = (assembler.tensor(name) for name in node.inputs)
    result = assembler.tensor(node.output)
    scale = np.float32(first.scale) * np.float32(second.scale)
    exact = assembler.numerics == "exact"
    scalars = Product(
        **quantise(assembler.numerics, result),
        scale=float(scale / np.float32(result.scale) if exact else round_f18(scale)),
        left_zero=first.zero_point + 128,
        right_zero=second.zero_point + 128,
    )
    arguments = Matmul(
        left=Address(left.buffer, left.start),
        left_offsets=assembler.offsets(left),
        right=Address(right.buffer, right.start),
        right_offsets=assembler.offsets(right),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        rows=left.pixels,
        depth=left.shape[2],
        width=output.width,
        scalars=Data(scalars.pack()),
    )
    chunks = assembler.chunks(left.pixels * left.shape[2] * output.width, left.pixels)
    kernel = MATMUL(numerics=assembler.numerics)
    assembler.emit(kernel, arguments, reads=[left, right], writes=[output], chunks=chunks)


def _turned(assembler: Assembler, node: Node, right: View) -> View:
    """Return the right operand with pixels and channels exchanged: (1, C, H × W)."""
    rows, columns, channels = right.shape
    turned = assembler.buffer(f"{node.name} (transposed)", (1, channels, rows * columns))
    for row in range(rows):
        arguments = Copy(
            source=Address(right.buffer, right.start + row * right.row),
            source_row=0,
            source_pixel=1,
            source_channel=right.pixel,
            target=Address(turned.buffer, turned.start + row * columns),
            target_row=0,
            target_pixel=turned.pixel,
            rows=1,
            columns=channels,
            channels=columns,
        )
        assembler.emit(COPY(), arguments, reads=[right], writes=[turned])
    return turned


ASSEMBLE = {"matmul": assemble}
