"""Sum, difference and product of two tensors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from axemu.emulator.compute.micro import (
    Isa,
    Source,
    call_range,
    load_i32,
    make_combine,
    njit,
    reader,
    run_end,
    sources,
)

from .arguments import ELEMENTWISE, Elementwise

arguments_at = reader(Elementwise)


def make_elementwise(isa: Isa, numerics: str, operation: str) -> Any:
    """Return elementwise(arguments, first, last, channel, channel_end) over a range of pixels and channels."""
    combine = make_combine(isa, numerics, operation, splat_right=False)
    combine_splat = make_combine(isa, numerics, operation, splat_right=True)

    @njit
    def elementwise(address: int, first: int, last: int, channel: int, channel_end: int) -> None:
        a = arguments_at(address)
        left_offsets, right_offsets, offsets = a.left_offsets, a.right_offsets, a.offsets
        scalars, count, dense = a.scalars, channel_end - channel, a.dense
        if dense == count:
            skip = first * dense
            whole = (last - first) * dense
            left, right = a.left + skip, a.right + skip
            combine(left, right, a.output + skip, whole, scalars)
        else:
            pixel = first
            while pixel < last:
                left = a.left + load_i32(left_offsets, pixel) + channel
                right = a.right + load_i32(right_offsets, pixel)
                output = a.output + load_i32(offsets, pixel) + channel
                if a.splat:
                    combine_splat(left, right, output, count, scalars)
                    pixel += 1
                else:
                    end = run_end(left_offsets, right_offsets, offsets, pixel, last, count)
                    combine(left, right + channel, output, (end - pixel) * count, scalars)
                    pixel = end
        if a.after:
            call_range(a.after, a.after_arguments, first, last, channel, channel_end)

    return elementwise


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    yield from sources(ELEMENTWISE, partial(make_elementwise, isa))
