"""Sum, difference and product of two tensors."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import elementwise as f
from axemu.emulator.compute.micro import Isa, call_range, load_i32, load_i64, make_combine, njit


def make_elementwise(isa: Isa, numerics: str, operation: str) -> Any:
    """Return elementwise(descriptor, first, last, channel, channel_end) over a range of pixels and channels."""
    combine = make_combine(isa, numerics, operation, splat_right=False)
    combine_splat = make_combine(isa, numerics, operation, splat_right=True)

    @njit
    def elementwise(d: int, first: int, last: int, channel: int, channel_end: int) -> None:
        left_places, right_places, places = (
            load_i64(d, f.LEFT_PLACES),
            load_i64(d, f.RIGHT_PLACES),
            load_i64(d, f.PLACES),
        )
        scalars, count, dense = load_i64(d, f.SCALARS), channel_end - channel, load_i64(d, f.DENSE)
        if dense == count:
            skip = first * dense
            whole = (last - first) * dense
            left, right = load_i64(d, f.LEFT) + skip, load_i64(d, f.RIGHT) + skip
            combine(left, right, load_i64(d, f.OUTPUT) + skip, whole, scalars)
        else:
            for pixel in range(first, last):
                left = load_i64(d, f.LEFT) + load_i32(left_places, pixel) + channel
                right = load_i64(d, f.RIGHT) + load_i32(right_places, pixel)
                output = load_i64(d, f.OUTPUT) + load_i32(places, pixel) + channel
                if load_i64(d, f.SPLAT):
                    combine_splat(left, right, output, count, scalars)
                else:
                    combine(left, right + channel, output, count, scalars)
        if load_i64(d, f.NEXT):
            call_range(load_i64(d, f.NEXT), load_i64(d, f.NEXT_DESCRIPTOR), first, last, channel, channel_end)

    return elementwise
