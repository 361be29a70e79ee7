"""The loop that pools share: every output pixel with the part of its window that lies inside the input."""

from __future__ import annotations

from typing import Any, NamedTuple

from axemu.emulator.compute.micro import call_range, load_i32, njit, reader
from axemu.emulator.compute.micro.ir import Value

from .arguments import Pool

arguments_at = reader(Pool)


class Window(NamedTuple):
    """One output pixel and its window; all but the counts and steps are addresses."""

    source: Value
    """First input pixel of the window that lies inside the input."""
    rows: Value
    row_step: Value
    """Bytes from row to row of the window."""
    columns: Value
    column_step: Value
    output: Value
    width: Value
    """Bytes of a pixel."""
    start: Value
    """What is added to the sum; of averages, as what follows."""
    factor: Value
    """What the sum is multiplied by."""
    scalars: Value


def make_windows(pixel: Any) -> Any:
    """Return pool(arguments, chunk, chunks).

    Args:
        pixel: pixel(window) computes one output pixel.
    """

    @njit
    def pool(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        rows, columns, width = a.rows, a.columns, a.width
        row_spans, column_spans = a.row_spans, a.column_spans
        row_step, column_step = a.row_step, a.column_step
        starts, factors, scalars = a.starts, a.factors, a.scalars
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = a.input + load_i32(row_spans, 2 * row)
            output = a.output + row * a.output_row
            for column in range(columns):
                window = Window(
                    source=source + load_i32(column_spans, 2 * column),
                    rows=load_i32(row_spans, 2 * row + 1),
                    row_step=row_step,
                    columns=load_i32(column_spans, 2 * column + 1),
                    column_step=column_step,
                    output=output,
                    width=width,
                    start=starts + 4 * (row * columns + column),
                    factor=factors + 4 * (row * columns + column),
                    scalars=scalars,
                )
                pixel(window)
                output += a.output_pixel
            if a.after:
                first = row * columns
                call_range(a.after, a.after_arguments, first, first + columns, 0, width)

    return pool
