"""Linear resize: a weighted sum of two rows, then of two columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.micro import (
    Isa,
    ScalarReader,
    Source,
    block,
    intrinsic_of,
    load_i32,
    njit,
    reader,
    sources,
)
from axemu.emulator.compute.micro.ir import F32, Builder, Value, load, offset, splat

from .arguments import RESIZE_LINEAR, ResizeLinear

arguments_at = reader(ResizeLinear)


class Corners(NamedTuple):
    """One output pixel and the four of the input it lies between."""

    upper: Value
    """First byte of the row above."""
    lower: Value
    left: Value
    """Bytes from the beginning of a row."""
    right: Value
    row_weights: Value
    """Address of two float32."""
    column_weights: Value
    output: Value
    width: Value
    scalars: Value


def make_resize_linear(numerics: str) -> Any:
    """Return resize_linear(arguments, chunk, chunks); see `ResizeLinear`."""

    def emit(b: Builder, at_pixel: Corners) -> None:
        rows, columns = (
            [splat(b, load(b, offset(b, weights, 4 * n), F32), block.LANES) for n in range(2)]
            for weights in (at_pixel.row_weights, at_pixel.column_weights)
        )
        scalars = ScalarReader(Single, b, at_pixel.scalars)
        zero = block.every(b, scalars.input_zero)

        def body(at: Value) -> None:
            def blend(column: Value) -> Value:
                values = [
                    b.sitofp(b.sub(block.load_block(b, b.add(b.add(row, column), at)), zero), block.FLOATS)
                    for row in (at_pixel.upper, at_pixel.lower)
                ]
                total = b.fadd(b.fmul(values[0], rows[0]), b.fmul(values[1], rows[1]))
                return block.round_f18(b, total) if numerics == "metis" else total

            total = b.fadd(
                b.fmul(blend(at_pixel.left), columns[0]), b.fmul(blend(at_pixel.right), columns[1])
            )
            scale = block.every(b, scalars.input_scale)
            if numerics == "metis":
                real = b.fmul(block.round_f18(b, total), scale)
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(total, scale), scalars)
            block.store_block(b, packed, b.add(at_pixel.output, at))

        block.for_blocks(b, at_pixel.width, body)

    pixel = intrinsic_of(emit)

    @njit
    def resize_linear(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        rows, columns, width = a.rows, a.columns, a.width
        row_offsets, column_offsets = a.row_offsets, a.column_offsets
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            upper = a.input + load_i32(row_offsets, 2 * row)
            lower = a.input + load_i32(row_offsets, 2 * row + 1)
            output = a.output + row * a.output_row
            for column in range(columns):
                corners = Corners(
                    upper=upper,
                    lower=lower,
                    left=load_i32(column_offsets, 2 * column),
                    right=load_i32(column_offsets, 2 * column + 1),
                    row_weights=a.row_weights + 8 * row,
                    column_weights=a.column_weights + 8 * column,
                    output=output,
                    width=width,
                    scalars=a.scalars,
                )
                pixel(corners)
                output += a.output_pixel

    return resize_linear


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(RESIZE_LINEAR, make_resize_linear)
