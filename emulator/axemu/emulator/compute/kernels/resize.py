"""Linear resize: a weighted sum of two rows, then of two columns."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import resize as f
from axemu.emulator.compute.fields import scalars as s
from axemu.emulator.compute.micro import block, intrinsic_of, load_i32, load_i64, njit
from axemu.emulator.compute.micro.ir import F32, Builder, Value, load, offset, splat


def make_resize_linear(numerics: str) -> Any:
    """Return resize_linear(descriptor, chunk, chunks); see `fields.resize`."""

    def emit(
        b: Builder,
        upper: Value,
        lower: Value,
        left: Value,
        right: Value,
        row_weights: Value,
        column_weights: Value,
        output: Value,
        width: Value,
        scalars: Value,
    ) -> None:
        rows = [splat(b, load(b, offset(b, row_weights, 4 * n), F32), block.LANES) for n in range(2)]
        columns = [splat(b, load(b, offset(b, column_weights, 4 * n), F32), block.LANES) for n in range(2)]
        zero = block.integer(b, scalars, s.INPUT_ZERO)

        def body(at: Value) -> None:
            def blend(column: Value) -> Value:
                values = [
                    b.sitofp(b.sub(block.load_block(b, b.add(b.add(row, column), at)), zero), block.FLOATS)
                    for row in (upper, lower)
                ]
                total = b.fadd(b.fmul(values[0], rows[0]), b.fmul(values[1], rows[1]))
                return block.round_f18(b, total) if numerics == "metis" else total

            total = b.fadd(b.fmul(blend(left), columns[0]), b.fmul(blend(right), columns[1]))
            scale = block.scalar(b, scalars, s.INPUT_SCALE)
            if numerics == "metis":
                real = b.fmul(block.round_f18(b, total), scale)
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(total, scale), scalars)
            block.store_block(b, packed, b.add(output, at))

        block.for_blocks(b, width, body)

    pixel = intrinsic_of(emit)

    @njit
    def resize_linear(d: int, chunk: int, chunks: int) -> None:
        rows, columns, width = load_i64(d, f.ROWS), load_i64(d, f.COLUMNS), load_i64(d, f.WIDTH)
        row_offsets, column_offsets = load_i64(d, f.ROW_OFFSETS), load_i64(d, f.COLUMN_OFFSETS)
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            upper = load_i64(d, f.INPUT) + load_i32(row_offsets, 2 * row)
            lower = load_i64(d, f.INPUT) + load_i32(row_offsets, 2 * row + 1)
            output = load_i64(d, f.OUTPUT) + row * load_i64(d, f.OUTPUT_ROW)
            for column in range(columns):
                pixel(
                    upper,
                    lower,
                    load_i32(column_offsets, 2 * column),
                    load_i32(column_offsets, 2 * column + 1),
                    load_i64(d, f.ROW_WEIGHTS) + 8 * row,
                    load_i64(d, f.COLUMN_WEIGHTS) + 8 * column,
                    output,
                    width,
                    load_i64(d, f.SCALARS),
                )
                output += load_i64(d, f.OUTPUT_PIXEL)

    return resize_linear
