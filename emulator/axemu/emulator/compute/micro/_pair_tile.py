"""The dense micro-kernel for CPUs that multiply bytes in pairs: `vpmaddubsw`, whose sums of two products saturate at 16 bits.

Weights are packed so that no pair of them can (`ops.conv._pairs`): a step is four bytes of a pixel, some of them turned
round to 255 - byte by an exclusive-or, against four weights of each output channel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._numba import cgutils
from ._requantise import Requantise
from ._tile import load_weights, start_totals, store_tile
from .ir import I32, I64, Builder, Value, const, load, offset, prefetch, splat, vector

STEP_BYTES = 12


class PairTile(NamedTuple):
    """What the micro-kernel works on; fields as in `Tile`."""

    source: Value
    pixels: Value
    offsets: Value
    steps: Value
    """Three int32 for each: the offset of four bytes from a pixel, and twice what they are exclusive-ored with."""
    count: Value
    """Number of steps."""
    weights: Value
    wide_steps: Value
    """int32 offsets of the steps whose weights are 16-bit integers."""
    wide_count: Value
    wide_weights: Value
    channels: Value
    output: Value
    scalars: Value
    table: Value


def make_pair_tile(isa: Isa, requantise: Requantise, rows: int, vectors: int) -> Any:
    """Return tile(operands, at, ahead) for `PairTile` operands; `at` and `ahead` as in `make_tile`."""

    def emit(b: Builder, tile: PairTile, at: Value, ahead: Value) -> None:
        pixels, offsets = b.add(tile.pixels, at), b.add(tile.offsets, at)
        bases = [b.add(tile.source, b.sext(load(b, offset(b, pixels, 4 * m), I32), I64)) for m in range(rows)]
        totals = start_totals(isa, b, tile.channels, rows, vectors)
        _accumulate_pairs(isa, b, bases, totals, tile, ahead)
        _accumulate_wide(isa, b, bases, totals, tile)
        store_tile(isa, requantise, b, totals, tile, offsets)

    return intrinsic_of(emit)


def _accumulate_pairs(
    isa: Isa, b: Builder, bases: list[Value], totals: list[list[Value]], tile: PairTile, ahead: Value
) -> None:
    vectors, size, integers = len(totals[0]), 4 * isa.lanes, vector(I32, isa.lanes)
    with cgutils.for_range(b, tile.count) as step:
        along = b.mul(step.index, const(size * vectors))
        entry = b.add(tile.steps, b.mul(step.index, const(STEP_BYTES)))
        distance = b.sext(load(b, entry, I32), I64)
        # Eight bytes: LLVM would combine two copied int32 before it copies them, at the cost of an instruction more.
        turned = b.bitcast(splat(b, load(b, offset(b, entry, 4), I64), isa.lanes // 2), integers)
        prefetch(b, b.add(ahead, along))
        panel = [load(b, offset(b, b.add(tile.weights, along), size * n), integers) for n in range(vectors)]
        for base, row in zip(bases, totals, strict=True):
            four = b.xor(splat(b, load(b, b.add(base, distance), I32), isa.lanes), turned)
            for n in range(vectors):
                b.store(isa.accumulate_pairs(b, b.load(row[n]), four, panel[n]), row[n])


def _accumulate_wide(
    isa: Isa, b: Builder, bases: list[Value], totals: list[list[Value]], tile: PairTile
) -> None:
    vectors = len(totals[0])
    with cgutils.for_range(b, tile.wide_count) as step:
        here = b.add(tile.wide_weights, b.mul(step.index, const(isa.weight_bytes * vectors)))
        distance = b.sext(load(b, b.add(tile.wide_steps, b.mul(step.index, const(4))), I32), I64)
        panel = [load_weights(isa, b, here, n) for n in range(vectors)]
        for base, row in zip(bases, totals, strict=True):
            prepared = isa.prepare(b, splat(b, load(b, b.add(base, distance), I32), isa.lanes))
            for n in range(vectors):
                b.store(isa.accumulate(b, b.load(row[n]), prepared, panel[n]), row[n])
