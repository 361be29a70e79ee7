"""Product of two computed tensors: rows of pixels × the channels of the right operand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from llvmlite import ir as llvm

from axemu.emulator.compute.micro import (
    Isa,
    ScalarReader,
    Source,
    block,
    cgutils,
    intrinsic_of,
    load_i32,
    njit,
    reader,
    sources,
)
from axemu.emulator.compute.micro.ir import I8, I32, I64, Builder, Value, const, load, splat

from .arguments import MATMUL, Matmul, Product

arguments_at = reader(Matmul)


class Line(NamedTuple):
    """One row of the product."""

    left: Value
    right: Value
    right_offsets: Value
    depth: Value
    output: Value
    width: Value
    scalars: Value


def make_matmul(numerics: str) -> Any:
    """Return matmul(arguments, chunk, chunks); see `Matmul`."""

    def emit(b: Builder, line: Line) -> None:
        scalars = ScalarReader(Product, b, line.scalars)
        left_zero, right_zero = block.every(b, scalars.left_zero), block.every(b, scalars.right_zero)

        def body(at: Value) -> None:
            total = cgutils.alloca_once(b, block.INTEGERS)
            b.store(llvm.Constant(block.INTEGERS, [0] * block.LANES), total)
            with cgutils.for_range(b, line.depth) as step:
                place = b.sext(load(b, b.add(line.right_offsets, b.mul(step.index, const(4))), I32), I64)
                factor = splat(b, b.zext(load(b, b.add(line.left, step.index), I8), I32), block.LANES)
                values = block.load_block(b, b.add(b.add(line.right, place), at))
                product = b.mul(b.sub(factor, left_zero), b.sub(values, right_zero))
                b.store(b.add(b.load(total), product), total)
            value = b.sitofp(b.load(total), block.FLOATS)
            scale = block.every(b, scalars.scale)
            if numerics == "metis":
                real = b.fmul(block.round_f18(b, value), scale)
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(value, scale), scalars)
            block.store_block(b, packed, b.add(line.output, at))

        block.for_blocks(b, line.width, body)

    compute = intrinsic_of(emit)

    @njit
    def matmul(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        rows = a.rows
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            line = Line(
                left=a.left + load_i32(a.left_offsets, row),
                right=a.right,
                right_offsets=a.right_offsets,
                depth=a.depth,
                output=a.output + load_i32(a.offsets, row),
                width=a.width,
                scalars=a.scalars,
            )
            compute(line)

    return matmul


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(MATMUL, make_matmul)
