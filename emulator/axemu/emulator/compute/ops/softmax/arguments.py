"""Arguments of the kernel of a softmax over the channels."""

from __future__ import annotations

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family
from axemu.emulator.compute._layout import Address, Data


class Softmax(Arguments):
    """A softmax over the channels."""

    input: Address
    input_offsets: Data
    output: Address
    offsets: Data
    pixels: int
    channels: int
    table: Data  # int32 [256], by distance from the largest value
    terms: Address  # scratch: int32 per channel and chunk
    scalars: Data  # Quantise


SOFTMAX = Family("softmax_{numerics}", Softmax, numerics=NUMERICS)
