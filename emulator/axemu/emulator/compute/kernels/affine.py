"""x · multiplier + addend per channel, on real values."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import affine as f
from axemu.emulator.compute.fields import scalars as s
from axemu.emulator.compute.micro import block, call_range, intrinsic_of, load_i32, load_i64, njit
from axemu.emulator.compute.micro.ir import Builder, Value, const, load


def make_affine(numerics: str) -> Any:
    """Return affine(descriptor, first, last, channel, channel_end) over a range of pixels and channels."""

    def emit(
        b: Builder,
        source: Value,
        output: Value,
        multipliers: Value,
        addends: Value,
        count: Value,
        scalars: Value,
    ) -> None:
        zero, scale = block.integer(b, scalars, s.INPUT_ZERO), block.scalar(b, scalars, s.INPUT_SCALE)

        def body(at: Value) -> None:
            place = b.mul(at, const(4))
            multiplier = load(b, b.add(multipliers, place), block.FLOATS)
            addend = load(b, b.add(addends, place), block.FLOATS)
            stored = block.load_block(b, b.add(source, at))
            real = b.fmul(b.fmul(b.sitofp(b.sub(stored, zero), block.FLOATS), scale), multiplier)
            if numerics == "metis":
                real = block.round_f18(b, b.fadd(block.round_f18(b, real), addend))
            else:
                real = b.fadd(real, addend)
            block.store_block(b, block.quantise(b, numerics, real, scalars), b.add(output, at))

        block.for_blocks(b, count, body)

    pixel = intrinsic_of(emit)

    @njit
    def affine(d: int, first: int, last: int, channel: int, channel_end: int) -> None:
        sources, places = load_i64(d, f.INPUT_PLACES), load_i64(d, f.PLACES)
        multipliers, addends = load_i64(d, f.MULTIPLIERS) + 4 * channel, load_i64(d, f.ADDENDS) + 4 * channel
        for index in range(first, last):
            pixel(
                load_i64(d, f.INPUT) + load_i32(sources, index) + channel,
                load_i64(d, f.OUTPUT) + load_i32(places, index) + channel,
                multipliers,
                addends,
                channel_end - channel,
                load_i64(d, f.SCALARS),
            )
        if load_i64(d, f.NEXT):
            call_range(load_i64(d, f.NEXT), load_i64(d, f.NEXT_DESCRIPTOR), first, last, channel, channel_end)

    return affine
