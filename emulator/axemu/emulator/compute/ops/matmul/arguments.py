"""Arguments of the kernel of a product of two tensors."""

from __future__ import annotations

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family
from axemu.emulator.compute._layout import Address, Data
from axemu.emulator.compute._scalars import Quantise


class Matmul(Arguments):
    """A product of two tensors."""

    left: Address
    left_offsets: Data  # int32 offsets of the left operand's pixels (rows of the matrix)
    right: Address
    right_offsets: Data  # int32 offsets of the right operand's pixels (the summed dimension)
    output: Address
    offsets: Data
    rows: int
    depth: int
    width: int  # columns, rounded up to a multiple of 16
    scalars: Data  # Product


class Product(Quantise):
    """Scalars of a product."""

    scale: float  # what the sum is multiplied by: float32(s_a · s_b) / s_out (exact), f18(s_a · s_b) (metis)
    left_zero: int  # zero points + 128
    right_zero: int


MATMUL = Family("matmul_{numerics}", Matmul, numerics=NUMERICS)
