"""x · multiplier + addend per channel, on real values."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.micro import (
    Isa,
    ScalarReader,
    block,
    call_range,
    intrinsic_of,
    load_i32,
    njit,
    reader,
    shortened,
)
from axemu.emulator.compute.micro.ir import Builder, Value, const, load

from .arguments import Affine

arguments_at = reader(Affine)


def make_affine(isa: Isa, numerics: str) -> Any:
    """Return affine(arguments, first, last, channel, channel_end) over a range of pixels and channels."""

    def emit(
        b: Builder,
        source: Value,
        output: Value,
        multipliers: Value,
        addends: Value,
        count: Value,
        scalars: Value,
    ) -> None:
        of = ScalarReader(Single, b, scalars)
        zero, scale = block.every(b, of.input_zero), block.every(b, of.input_scale)

        def body(at: Value) -> None:
            place = b.mul(at, const(4))
            multiplier = load(b, b.add(multipliers, place), block.FLOATS)
            addend = load(b, b.add(addends, place), block.FLOATS)
            stored = block.load_block(b, b.add(source, at))
            real = b.fmul(b.fmul(b.sitofp(b.sub(stored, zero), block.FLOATS), scale), multiplier)
            if numerics == "metis":  # what is subnormal here is nothing beside half a step of the result
                real = shortened(isa, b, b.fadd(shortened(isa, b, real), addend))
            else:
                real = b.fadd(real, addend)
            block.store_block(b, block.quantise(b, numerics, real, of), b.add(output, at))

        block.for_blocks(b, count, body)

    pixel = intrinsic_of(emit)

    @njit
    def affine(address: int, first: int, last: int, channel: int, channel_end: int) -> None:
        a = arguments_at(address)
        sources, offsets = a.input_offsets, a.offsets
        multipliers, addends = a.multipliers + 4 * channel, a.addends + 4 * channel
        for index in range(first, last):
            pixel(
                a.input + load_i32(sources, index) + channel,
                a.output + load_i32(offsets, index) + channel,
                multipliers,
                addends,
                channel_end - channel,
                a.scalars,
            )
        if a.after:
            call_range(a.after, a.after_arguments, first, last, channel, channel_end)

    return affine
