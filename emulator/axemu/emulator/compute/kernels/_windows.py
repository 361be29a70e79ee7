"""The loop that pools share: every output pixel with the part of its window that lies inside the input."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import pool as f
from axemu.emulator.compute.micro import call_range, load_i32, load_i64, njit


def make_windows(pixel: Any) -> Any:
    """Return pool(descriptor, chunk, chunks).

    Args:
        pixel: pixel(source, rows, row_step, columns, column_step, output, width, start, factor, scalars): one pixel.
    """

    @njit
    def pool(d: int, chunk: int, chunks: int) -> None:
        rows, columns, width = load_i64(d, f.ROWS), load_i64(d, f.COLUMNS), load_i64(d, f.WIDTH)
        row_spans, column_spans = load_i64(d, f.ROW_SPANS), load_i64(d, f.COLUMN_SPANS)
        row_step, column_step = load_i64(d, f.ROW_STEP), load_i64(d, f.COLUMN_STEP)
        starts, factors, scalars = load_i64(d, f.STARTS), load_i64(d, f.FACTORS), load_i64(d, f.SCALARS)
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = load_i64(d, f.INPUT) + load_i32(row_spans, 2 * row)
            output = load_i64(d, f.OUTPUT) + row * load_i64(d, f.OUTPUT_ROW)
            for column in range(columns):
                pixel(
                    source + load_i32(column_spans, 2 * column),
                    load_i32(row_spans, 2 * row + 1),
                    row_step,
                    load_i32(column_spans, 2 * column + 1),
                    column_step,
                    output,
                    width,
                    starts + 4 * (row * columns + column),
                    factors + 4 * (row * columns + column),
                    scalars,
                )
                output += load_i64(d, f.OUTPUT_PIXEL)
            if load_i64(d, f.AFTER):
                first = row * columns
                call_range(
                    load_i64(d, f.AFTER), load_i64(d, f.AFTER_DESCRIPTOR), first, first + columns, 0, width
                )

    return pool
