"""The micro-kernel: a tile of a few pixels by up to four vectors of output channels, from bytes to bytes.

docs/explanation/compute.md draws it. All accumulators stay in registers; the loop over taps and k-steps loads each
weight vector once per tile and broadcasts four activation bytes per pixel. Every channel vector is written whole:
pixels are laid out so that there is room.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._neon_tile import ACCUMULATE
from ._numba import cgutils
from ._requantise import Constants, Requantise
from ._table import look_up
from .ir import I32, I64, Builder, Value, const, load, offset, prefetch, splat, store, vector


class Tile(NamedTuple):
    """What the micro-kernel works on; all but the counts are addresses."""

    source: Value
    pixels: Value
    """int32 offsets of each pixel's first byte from `source`."""
    offsets: Value
    """int32 offsets of each result from `output`."""
    taps: Value
    """int32 offsets of each tap from a pixel."""
    tap_count: Value
    steps: Value
    """k-steps per tap."""
    weights: Value
    channels: Value
    """Start values and requantisation constants of the panel."""
    output: Value
    scalars: Value
    """An `Epilogue`."""
    table: Value
    """256 bytes, or 0."""


def make_tile(isa: Isa, requantise: Requantise, rows: int, vectors: int) -> Any:
    """Return tile(operands, at, ahead) for `Tile` operands.

    `pixels` and `offsets` are taken from `at` bytes on. One cache line from `ahead` on is fetched per k-step: the next
    panel's weights, which would otherwise be waited for.
    """

    def emit(b: Builder, tile: Tile, at: Value, ahead: Value) -> None:
        pixels, offsets = b.add(tile.pixels, at), b.add(tile.offsets, at)
        bases = [b.add(tile.source, b.sext(load(b, offset(b, pixels, 4 * m), I32), I64)) for m in range(rows)]
        totals = start_totals(isa, b, tile.channels, rows, vectors)
        accumulate = ACCUMULATE.get(isa.spec.operands, _accumulate)
        accumulate(isa, b, bases, totals, tile, ahead)
        store_tile(isa, requantise, b, totals, tile, offsets)

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
    isa: Isa, b: Builder, bases: list[Value], totals: list[list[Value]], tile: Tile, ahead: Value
) -> None:
    vectors = len(totals[0])
    step_bytes = isa.weight_bytes * vectors
    position = cgutils.alloca_once_value(b, tile.weights)
    line = cgutils.alloca_once_value(b, ahead)
    with cgutils.for_range(b, tile.tap_count) as tap:
        distance = b.sext(load(b, b.add(tile.taps, b.mul(tap.index, const(4))), I32), I64)
        first = b.load(position)
        fetched = b.load(line)
        with cgutils.for_range(b, tile.steps) as step:
            here = b.add(first, b.mul(step.index, const(step_bytes)))
            within = b.add(distance, b.mul(step.index, const(4)))
            prefetch(b, b.add(fetched, b.mul(step.index, const(64))))
            panel = [load_weights(isa, b, here, n) for n in range(vectors)]
            for base, row in zip(bases, totals, strict=True):
                four = load(b, b.add(base, within), I32)
                prepared = isa.prepare(b, splat(b, four, isa.lanes))
                for n in range(vectors):
                    b.store(isa.accumulate(b, b.load(row[n]), prepared, panel[n]), row[n])
        b.store(b.add(first, b.mul(tile.steps, const(step_bytes))), position)
        b.store(b.add(fetched, b.mul(tile.steps, const(64))), line)


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


class Results(Protocol):
    """Where results go and what becomes of them on the way; fields as in `Tile`."""

    @property
    def channels(self) -> Value: ...
    @property
    def output(self) -> Value: ...
    @property
    def scalars(self) -> Value: ...
    @property
    def table(self) -> Value: ...


def store_tile(
    isa: Isa, requantise: Requantise, b: Builder, totals: list[list[Value]], tile: Results, offsets: Value
) -> None:
    """Requantise the accumulators and write each row's bytes."""
    vectors = len(totals[0])
    by_role = offset(b, tile.channels, 4 * isa.lanes * vectors)

    def body(form: Requantise) -> None:
        constants = form.load(isa, b, by_role, tile.scalars, vectors)
        # Vector by vector, so that its constants are loaded once; the accumulators' registers take the results.
        columns = [
            [form.apply(isa, b, constants, n, b.load(row[n])) for row in totals] for n in range(vectors)
        ]
        for m in range(len(totals)):
            target = b.add(tile.output, b.sext(load(b, offset(b, offsets, 4 * m), I32), I64))
            store_row(isa, b, [column[m] for column in columns], constants, target, tile.table)

    requantise.in_each_form(isa, b, by_role, vectors, body)


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
