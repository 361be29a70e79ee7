"""Convolution by matrix tiles: blocks of sixteen pixels × panels of output channels (AMX)."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import dense as f
from axemu.emulator.compute.fields import matrix as m
from axemu.emulator.compute.micro import (
    Isa,
    Requantise,
    call_range,
    load_i32,
    load_i64,
    make_matrix_tile,
    njit,
    release_tiles,
    shape_tiles,
)


def make_matrix_conv(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return conv(descriptor, chunk, chunks) for panels of `vectors` vectors; see `fields.dense` and `fields.matrix`."""
    sweep = _make_sweep(isa, requantise, vectors)

    @njit
    def conv(d: int, chunk: int, chunks: int) -> None:
        tile_begin, tile_end, panel_begin, panel_end = 0, load_i64(d, f.TILES), 0, load_i64(d, f.PANELS)
        if load_i64(d, f.SPLIT_PANELS):
            panel_begin, panel_end = panel_end * chunk // chunks, panel_end * (chunk + 1) // chunks
        else:
            tile_begin, tile_end = tile_end * chunk // chunks, tile_end * (chunk + 1) // chunks
        block, after, firsts = load_i64(d, f.BLOCK_TILES), load_i64(d, f.AFTER), load_i64(d, m.FIRSTS)
        shape_tiles(load_i64(d, m.SHAPES))
        for first in range(tile_begin, tile_end, block):
            last = min(first + block, tile_end)
            for panel in range(panel_begin, panel_end):
                sweep(d, panel, first, last)
            if after:
                width, channel = load_i64(d, f.PANEL_CHANNELS), load_i64(d, f.FIRST_CHANNEL)
                call_range(
                    after,
                    load_i64(d, f.AFTER_DESCRIPTOR),
                    load_i32(firsts, first),
                    load_i32(firsts, last),
                    channel + panel_begin * width,
                    channel + panel_end * width,
                )
        release_tiles()

    return conv


FETCHING = 4
"""Tiles of a sweep that fetch the following panel's weights together."""


def _make_sweep(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return sweep(descriptor, panel, first, last): one panel over tiles first … last - 1."""
    tile_of = make_matrix_tile(isa, requantise, vectors)
    lines_per_block = m.TILE_ROWS * vectors // FETCHING

    @njit
    def sweep(d: int, panel: int, first: int, last: int) -> None:
        source, stride, starts = load_i64(d, f.INPUT), load_i64(d, m.STRIDE), load_i64(d, m.STARTS)
        taps, count = load_i64(d, f.TAPS), load_i64(d, f.TAP_COUNT)
        blocks, rest = load_i64(d, m.BLOCKS), load_i64(d, m.REST)
        weights = load_i64(d, f.WEIGHTS) + panel * load_i64(d, f.WEIGHT_STRIDE)
        channels = load_i64(d, f.CHANNELS) + panel * load_i64(d, f.CHANNEL_STRIDE)
        output = load_i64(d, f.OUTPUT) + panel * load_i64(d, f.PANEL_CHANNELS)
        firsts, rows, places = load_i64(d, m.FIRSTS), load_i64(d, m.ROWS), load_i64(d, f.PLACES)
        scalars, table = load_i64(d, f.SCALARS), load_i64(d, f.TABLE)
        following = weights + load_i64(d, f.WEIGHT_STRIDE)
        share = load_i64(d, f.WEIGHT_STRIDE) // FETCHING
        for tile in range(first, last):
            begin = load_i32(firsts, tile)
            lines = lines_per_block if tile - first < FETCHING else 0
            tile_of(
                source + load_i32(starts, tile),
                stride,
                taps,
                count,
                blocks,
                rest,
                weights,
                following + (tile - first) * share,
                lines,
                channels,
                output,
                rows + 4 * begin,
                places + 4 * begin,
                load_i32(firsts, tile + 1) - begin,
                scalars,
                table,
            )

    return sweep
