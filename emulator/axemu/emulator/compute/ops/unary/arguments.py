"""Arguments of the kernels of one tensor."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family, Kernel, Operands
from axemu.emulator.compute._layout import Address, Data


class Table(Arguments):
    """A table applied to a range of pixels."""

    input: Address
    input_offsets: Data  # int32 offsets of pixels
    output: Address
    offsets: Data
    table: Data  # 256 bytes, or 256 per channel
    dense: int  # bytes per pixel when both tensors are one run of memory, else 0
    after: Kernel[Any] | None  # called on the same range
    after_arguments: Arguments | None


class Affine(Arguments):
    """A multiplication and addition per channel, on a range of pixels."""

    input: Address
    input_offsets: Data  # int32 offsets of pixels
    output: Address
    offsets: Data
    multipliers: Data  # float32 per channel, whole blocks
    addends: Data
    scalars: Data  # Single; its scale is that of the input
    after: Kernel[Any] | None
    after_arguments: Arguments | None


LUT = Family("lut", Table, Operands.RANGE)
LUT_BY_CHANNEL = Family("lut_by_channel", Table, Operands.RANGE)
AFFINE = Family("affine_{numerics}", Affine, Operands.RANGE, numerics=NUMERICS)
