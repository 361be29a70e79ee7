"""Arguments of the kernels of two tensors."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family, Kernel, Operands
from axemu.emulator.compute._layout import Address, Data


class Elementwise(Arguments):
    """A sum, difference or product of two tensors, on a range of pixels."""

    left: Address
    left_offsets: Data  # int32 offsets of pixels
    right: Address
    right_offsets: Data  # all zero when the operand is one pixel
    output: Address
    offsets: Data
    splat: int  # 1: the right operand has one channel
    dense: int  # bytes per pixel when all tensors are one run of memory, else 0
    scalars: Data  # Pair
    after: Kernel[Any] | None  # called on the same range
    after_arguments: Arguments | None


ELEMENTWISE = Family(
    "{operation}_{numerics}",
    Elementwise,
    Operands.RANGE,
    operation=("add", "sub", "mul"),
    numerics=NUMERICS,
)
