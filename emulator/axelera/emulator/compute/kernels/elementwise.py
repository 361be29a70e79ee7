"""Sum, difference and product of two tensors."""

from __future__ import annotations

from typing import Any

from axelera.emulator.compute.fields import elementwise as f
from axelera.emulator.compute.fields import scalars as s
from axelera.emulator.compute.micro import block, call_range, intrinsic_of, load_i32, load_i64, njit
from axelera.emulator.compute.micro.ir import I8, I32, Builder, Value, load, splat


def make_elementwise(numerics: str, operation: str) -> Any:
    """Return elementwise(descriptor, first, last, channel, channel_end) over a range of pixels and channels."""
    combine_block = _combine(numerics, operation, splat_right=False)
    combine_splat = _combine(numerics, operation, splat_right=True)

    @njit
    def elementwise(d: int, first: int, last: int, channel: int, channel_end: int) -> None:
        left_places, right_places, places = (
            load_i64(d, f.LEFT_PLACES),
            load_i64(d, f.RIGHT_PLACES),
            load_i64(d, f.PLACES),
        )
        scalars, count = load_i64(d, f.SCALARS), channel_end - channel
        for pixel in range(first, last):
            left = load_i64(d, f.LEFT) + load_i32(left_places, pixel) + channel
            right = load_i64(d, f.RIGHT) + load_i32(right_places, pixel)
            output = load_i64(d, f.OUTPUT) + load_i32(places, pixel) + channel
            if load_i64(d, f.SPLAT):
                combine_splat(left, right, output, count, scalars)
            else:
                combine_block(left, right + channel, output, count, scalars)
        if load_i64(d, f.NEXT):
            call_range(load_i64(d, f.NEXT), load_i64(d, f.NEXT_DESCRIPTOR), first, last, channel, channel_end)

    return elementwise


def _combine(numerics: str, operation: str, *, splat_right: bool) -> Any:
    method = {"add": "fadd", "sub": "fsub", "mul": "fmul"}[operation]

    def emit(b: Builder, left: Value, right: Value, output: Value, count: Value, scalars: Value) -> None:
        left_zero, left_scale = (
            block.integer(b, scalars, s.LEFT_ZERO_I32),
            block.scalar(b, scalars, s.LEFT_SCALE),
        )
        right_zero, right_scale = (
            block.integer(b, scalars, s.RIGHT_ZERO_I32),
            block.scalar(b, scalars, s.RIGHT_SCALE),
        )

        def real(stored: Value, zero: Value, scale: Value) -> Value:
            return b.fmul(b.sitofp(b.sub(stored, zero), block.FLOATS), scale)

        def body(at: Value) -> None:
            if splat_right:
                stored = splat(b, b.zext(load(b, right, I8), I32), block.LANES)
            else:
                stored = block.load_block(b, b.add(right, at))
            first = real(block.load_block(b, b.add(left, at)), left_zero, left_scale)
            value = getattr(b, method)(first, real(stored, right_zero, right_scale))
            if numerics == "metis":
                value = block.round_f18(b, value)
            block.store_block(b, block.quantise(b, numerics, value, scalars), b.add(output, at))

        block.for_blocks(b, count, body)

    return intrinsic_of(emit)
