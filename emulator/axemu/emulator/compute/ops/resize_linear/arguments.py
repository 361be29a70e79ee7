"""Arguments of the kernel of a linear resize."""

from __future__ import annotations

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family
from axemu.emulator.compute._layout import Address, Data


class ResizeLinear(Arguments):
    """A linear resize."""

    input: Address
    output: Address
    output_row: int
    output_pixel: int
    rows: int
    columns: int
    row_offsets: Data  # int32 (rows, 2): byte offsets of the two input rows
    row_weights: Data  # float32 (rows, 2)
    column_offsets: Data
    column_weights: Data
    width: int
    scalars: Data  # Single; its scale is s_in / s_out (exact) or f18(s_in) (metis)


RESIZE_LINEAR = Family("resize_linear_{numerics}", ResizeLinear, numerics=NUMERICS)
