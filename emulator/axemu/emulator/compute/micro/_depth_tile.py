"""The depthwise micro-kernel: pixels × four vectors of channels, four taps at a time.

The bytes of four taps are interleaved so that each 32-bit lane holds four taps of one channel; then the same
dot-product step as in the dense kernel applies. Interleaving leaves the channels in the order in which packing
restores them (`_packing.lane_order`), so that no byte is moved twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._numba import cgutils
from ._requantise import Requantise
from ._table import look_up
from ._tile import load_weights, start_totals, within
from .ir import I8, I32, I64, Builder, Value, const, load, offset, shuffle, store, vector


class DepthTile(NamedTuple):
    """What the depthwise micro-kernel works on; fields as in `Tile`."""

    source: Value
    pixels: Value
    offsets: Value
    taps: Value
    """int32 offsets of each tap from a pixel, four per group."""
    groups: Value
    weights: Value
    channels: Value
    output: Value
    scalars: Value
    table: Value


def make_depth_tile(isa: Isa, requantise: Requantise, rows: int) -> Any:
    """Return tile(operands, at, width) for `DepthTile` operands.

    `pixels` and `offsets` are taken from `at` bytes on; `width` bytes may be written from `output` on, a multiple of 16.
    """

    def emit(b: Builder, tile: DepthTile, at: Value, width: Value) -> None:
        pixels, offsets = b.add(tile.pixels, at), b.add(tile.offsets, at)
        bases = [b.add(tile.source, b.sext(load(b, offset(b, pixels, 4 * m), I32), I64)) for m in range(rows)]
        totals = start_totals(isa, b, tile.channels, rows, 4)
        with cgutils.for_range(b, tile.groups) as group:
            first = b.add(tile.taps, b.mul(group.index, const(16)))
            distances = [b.sext(load(b, offset(b, first, 4 * n), I32), I64) for n in range(4)]
            here = b.add(tile.weights, b.mul(group.index, const(4 * isa.weight_bytes)))
            panel = [load_weights(isa, b, here, n) for n in range(4)]
            for base, row in zip(bases, totals, strict=True):
                bytes_of = vector(I8, 4 * isa.lanes)
                four = [load(b, b.add(base, distance), bytes_of) for distance in distances]
                for n, lanes in enumerate(interleave(b, four, isa.lanes)):
                    prepared = isa.prepare(b, b.bitcast(lanes, vector(I32, isa.lanes)))
                    b.store(isa.accumulate(b, b.load(row[n]), prepared, panel[n]), row[n])
        by_role = offset(b, tile.channels, 16 * isa.lanes)
        whole = b.icmp_signed(">=", width, const(4 * isa.lanes))

        def store_pixels(form: Requantise) -> None:
            constants = form.load(isa, b, by_role, tile.scalars, 4)
            for m, row in enumerate(totals):
                target = b.add(tile.output, b.sext(load(b, offset(b, offsets, 4 * m), I32), I64))
                values = [form.apply(isa, b, constants, n, b.load(row[n])) for n in range(4)]
                packed = within(b, isa.pack(b, values, constants.shift), constants.low, constants.high)
                _store_part(b, look_up(isa, b, packed, tile.table), target, width, whole)

        requantise.in_each_form(isa, b, by_role, 4, store_pixels)

    return intrinsic_of(emit)


def interleave(b: Builder, four: list[Value], lanes: int) -> list[Value]:
    """Return four vectors of the bytes (a, b, c, d) of channel after channel; vector n has channels 16j + 4n + q."""
    size = 4 * lanes

    def unpack(first: Value, second: Value, unit: int, high: int) -> Value:
        indices: list[int] = []
        for block in range(0, size, 16):
            for place in range(8 * high, 8 * high + 8, unit):
                one = [block + place + part for part in range(unit)]
                indices += one + [size + index for index in one]
        return shuffle(b, first, second, indices)

    front = [unpack(four[0], four[1], 1, high) for high in (0, 1)]
    back = [unpack(four[2], four[3], 1, high) for high in (0, 1)]
    return [unpack(front[n // 2], back[n // 2], 2, n % 2) for n in range(4)]


def _store_part(b: Builder, packed: Value, target: Value, width: Value, whole: Value) -> None:
    size = packed.type.count
    if size == 16:
        store(b, packed, target)
        return
    with b.if_else(whole) as (full, partial):
        with full:
            store(b, packed, target)
        with partial:
            for first in range(0, size - 16, 16):
                with b.if_then(b.icmp_signed(">", width, const(first))):
                    store(b, shuffle(b, packed, packed, range(first, first + 16)), offset(b, target, first))
