"""Convolution: tiles of pixels × panels of output channels, swept so that a block of input stays in the cache."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import conv as c
from axemu.emulator.compute.fields import dense as f
from axemu.emulator.compute.micro import Isa, Requantise, call_range, load_i64, make_tile, njit


def make_conv(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return conv(descriptor, chunk, chunks) for panels of `vectors` vectors; see `fields.dense` and `fields.conv`."""
    pixel_of = _make_pixel_of(isa.spec.rows)
    sweep = _make_sweep(isa, requantise, vectors, pixel_of)

    @njit
    def conv(d: int, chunk: int, chunks: int) -> None:
        tile_begin, tile_end, panel_begin, panel_end = 0, load_i64(d, f.TILES), 0, load_i64(d, f.PANELS)
        if load_i64(d, f.SPLIT_PANELS):
            panel_begin, panel_end = panel_end * chunk // chunks, panel_end * (chunk + 1) // chunks
        else:
            tile_begin, tile_end = tile_end * chunk // chunks, tile_end * (chunk + 1) // chunks
        block, after = load_i64(d, f.BLOCK_TILES), load_i64(d, f.AFTER)
        for first in range(tile_begin, tile_end, block):
            last = min(first + block, tile_end)
            for panel in range(panel_begin, panel_end):
                sweep(d, panel, first, last)
            if after:
                big, small, width = (
                    load_i64(d, c.BIG_TILES),
                    load_i64(d, c.SMALL_TILES),
                    load_i64(d, f.PANEL_CHANNELS),
                )
                channel = load_i64(d, f.FIRST_CHANNEL)
                call_range(
                    after,
                    load_i64(d, f.AFTER_DESCRIPTOR),
                    pixel_of(first, big, small),
                    pixel_of(last, big, small),
                    channel + panel_begin * width,
                    channel + panel_end * width,
                )

    return conv


def _make_pixel_of(rows: int) -> Any:
    """Return pixel_of(tile, big, small): the first pixel of a tile."""
    fewer = rows - 1

    @njit
    def pixel_of(tile: int, big: int, small: int) -> int:
        if tile <= big:
            return tile * rows
        if tile <= big + small:
            return big * rows + (tile - big) * fewer
        return big * rows + small * fewer + (tile - big - small)

    return pixel_of


def _make_sweep(isa: Isa, requantise: Requantise, vectors: int, pixel_of: Any) -> Any:
    """Return sweep(descriptor, panel, first, last): one panel over tiles first … last - 1."""
    rows = isa.spec.rows
    big_tile, small_tile, one_tile = (
        make_tile(isa, requantise, size, vectors) for size in (rows, rows - 1, 1)
    )

    @njit
    def sweep(d: int, panel: int, first: int, last: int) -> None:
        source, pixels, places = load_i64(d, f.INPUT), load_i64(d, c.PIXELS), load_i64(d, f.PLACES)
        taps, count, steps = load_i64(d, f.TAPS), load_i64(d, f.TAP_COUNT), load_i64(d, c.STEPS)
        weights = load_i64(d, f.WEIGHTS) + panel * load_i64(d, f.WEIGHT_STRIDE)
        channels = load_i64(d, f.CHANNELS) + panel * load_i64(d, f.CHANNEL_STRIDE)
        output = load_i64(d, f.OUTPUT) + panel * load_i64(d, f.PANEL_CHANNELS)
        scalars, table = load_i64(d, f.SCALARS), load_i64(d, f.TABLE)
        big, small = load_i64(d, c.BIG_TILES), load_i64(d, c.SMALL_TILES)
        # Four tiles together fetch the following panel.
        following, share = weights + load_i64(d, f.WEIGHT_STRIDE), 64 * count * steps
        at = 4 * pixel_of(first, big, small)
        for tile in range(first, min(last, big)):
            big_tile(
                source,
                pixels + at,
                taps,
                count,
                steps,
                weights,
                following + tile % 4 * share,
                channels,
                output,
                places + at,
                scalars,
                table,
            )
            at += 4 * rows
        for tile in range(max(first, big), min(last, big + small)):
            small_tile(
                source,
                pixels + at,
                taps,
                count,
                steps,
                weights,
                following + tile % 4 * share,
                channels,
                output,
                places + at,
                scalars,
                table,
            )
            at += 4 * rows - 4
        for tile in range(max(first, big + small), last):
            one_tile(
                source,
                pixels + at,
                taps,
                count,
                steps,
                weights,
                following + tile % 4 * share,
                channels,
                output,
                places + at,
                scalars,
                table,
            )
            at += 4

    return sweep
