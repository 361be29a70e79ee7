"""Arguments of the kernels of pools."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family, Kernel
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._scalars import Quantise


class Pool(Arguments):
    """A pool: for each output row and column, which input rows and columns its window meets."""

    input: Address
    input_row: int  # bytes from one row of the input to the next
    input_pixel: int
    output: Address
    output_row: int
    output_pixel: int
    rows: int
    columns: int
    row_spans: Data  # int32 (rows, 2): byte offset of the first input row, number of rows
    column_spans: Data  # int32 (columns, 2): byte offset of the first input pixel, number of pixels
    row_step: int  # bytes between the rows of a window
    column_step: int
    width: int  # bytes of a pixel, a multiple of 16
    starts: Data  # average: int32 (rows × columns), added to each sum of stored bytes
    factors: Data  # average: float32 (rows × columns), what a sum is multiplied by
    scalars: Data | None  # average: Mean
    after: Kernel[Any] | None  # called on each finished row
    after_arguments: Arguments | None


class Mean(Quantise):
    """Scalars of an average."""

    input_scale: float  # f18(s_in) (metis)
    input_zero: float  # zero point (metis)


MAX_POOL = Family("max_pool", Pool)
AVG_POOL = Family("avg_pool_{numerics}", Pool, numerics=NUMERICS)
