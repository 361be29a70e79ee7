"""The micro-kernel: a tile of a few pixels by up to four vectors of output channels, from bytes to bytes.

docs/explanation/compute.md draws it. All accumulators stay in registers; the loop over taps and k-steps loads each
weight vector once per tile and broadcasts four activation bytes per pixel. Every channel vector is written whole:
pixels are laid out so that there is room.
"""

from __future__ import annotations

from typing import Any

from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._numba import cgutils
from ._requantise import Constants, Requantise
from ._table import look_up
from .ir import I32, I64, Builder, Value, const, load, offset, prefetch, splat, store, vector


def make_tile(isa: Isa, requantise: Requantise, rows: int, vectors: int) -> Any:
    """Return tile(input, pixels, taps, tap_count, steps, weights, ahead, channels, output, places, scalars, table).

    `pixels`, `taps` and `places` are addresses of int32 byte offsets (of each pixel's first byte from `input`, of each
    tap from a pixel, of each result from `output`); `steps` is the number of k-steps per tap; `channels` the panel's
    start values and requantisation constants; `table` a 256-byte table or 0. One cache line from `ahead` on is fetched
    per k-step: the next panel's weights, which would otherwise be waited for.
    """

    def emit(  # noqa: PLR0917  an instruction's operands
        b: Builder,
        source: Value,
        pixels: Value,
        taps: Value,
        tap_count: Value,
        steps: Value,
        weights: Value,
        ahead: Value,
        channels: Value,
        output: Value,
        places: Value,
        scalars: Value,
        table: Value,
    ) -> None:
        bases = [b.add(source, b.sext(load(b, offset(b, pixels, 4 * m), I32), I64)) for m in range(rows)]
        totals = start_totals(isa, b, channels, rows, vectors)
        _accumulate(isa, b, bases, totals, (taps, tap_count, steps, weights, ahead))
        store_tile(isa, requantise, b, totals, (channels, output, places, scalars, table))

    return intrinsic_of(emit)


def start_totals(isa: Isa, b: Builder, channels: Value, rows: int, vectors: int) -> list[list[Value]]:
    """Return accumulators [row][vector], each holding its channels' start values."""
    integers = vector(I32, isa.lanes)
    totals = [[cgutils.alloca_once(b, integers) for _ in range(vectors)] for _ in range(rows)]
    for n in range(vectors):
        start = load(b, offset(b, channels, 4 * isa.lanes * n), integers)
        for row in totals:
            b.store(start, row[n])
    return totals


def _accumulate(
    isa: Isa, b: Builder, bases: list[Value], totals: list[list[Value]], operands: tuple[Value, ...]
) -> None:
    taps, tap_count, steps, weights, ahead = operands
    vectors = len(totals[0])
    step_bytes = isa.weight_bytes * vectors
    position = cgutils.alloca_once_value(b, weights)
    line = cgutils.alloca_once_value(b, ahead)
    with cgutils.for_range(b, tap_count) as tap:
        distance = b.sext(load(b, b.add(taps, b.mul(tap.index, const(4))), I32), I64)
        first = b.load(position)
        fetched = b.load(line)
        with cgutils.for_range(b, steps) as step:
            here = b.add(first, b.mul(step.index, const(step_bytes)))
            within = b.add(distance, b.mul(step.index, const(4)))
            prefetch(b, b.add(fetched, b.mul(step.index, const(64))))
            panel = [load_weights(isa, b, here, n) for n in range(vectors)]
            for base, row in zip(bases, totals, strict=True):
                four = load(b, b.add(base, within), I32)
                prepared = isa.prepare(b, splat(b, four, isa.lanes))
                for n in range(vectors):
                    b.store(isa.accumulate(b, b.load(row[n]), prepared, panel[n]), row[n])
        b.store(b.add(first, b.mul(steps, const(step_bytes))), position)
        b.store(b.add(fetched, b.mul(steps, const(64))), line)


def load_weights(isa: Isa, b: Builder, address: Value, n: int) -> tuple[Value, ...]:
    """Load vector `n` of a k-step's weights."""
    integers = vector(I32, isa.lanes)
    parts = isa.weight_bytes // (4 * isa.lanes)
    return tuple(
        load(b, offset(b, address, isa.weight_bytes * n + 4 * isa.lanes * part), integers)
        for part in range(parts)
    )


PIECES = {1: ((0, 1),), 2: ((0, 2),), 3: ((0, 2), (2, 1)), 4: ((0, 4),)}
"""How the vectors of a panel are packed: (first vector, number of vectors) of each piece."""


def store_tile(
    isa: Isa, requantise: Requantise, b: Builder, totals: list[list[Value]], operands: tuple[Value, ...]
) -> None:
    """Requantise the accumulators and write each row's bytes."""
    channels, output, places, scalars, table = operands
    vectors = len(totals[0])
    constants = requantise.load(isa, b, offset(b, channels, 4 * isa.lanes * vectors), scalars, vectors)
    # Vector by vector, so that its constants are loaded once; the accumulators' registers take the results.
    columns = [
        [requantise.apply(isa, b, constants, n, b.load(row[n])) for row in totals] for n in range(vectors)
    ]
    for m in range(len(totals)):
        target = b.add(output, b.sext(load(b, offset(b, places, 4 * m), I32), I64))
        store_row(isa, b, [column[m] for column in columns], constants, target, table)


def store_row(
    isa: Isa, b: Builder, whole: list[Value], constants: Constants, target: Value, table: Value
) -> None:
    """Pack the rounded vectors of a pixel and write its bytes."""
    for first, size in PIECES[len(whole)]:
        piece = isa.pack(b, whole[first : first + size], constants.shift)
        piece = within(b, piece, constants.low, constants.high)
        store(b, look_up(isa, b, piece, table), offset(b, target, isa.lanes * first))


def within(b: Builder, packed: Value, low: Value, high: Value) -> Value:
    """Clamp unsigned bytes."""
    count = packed.type.count
    floor, top = splat(b, low, count), splat(b, high, count)
    packed = b.select(b.icmp_unsigned("<", packed, floor), floor, packed)
    return b.select(b.icmp_unsigned(">", packed, top), top, packed)
