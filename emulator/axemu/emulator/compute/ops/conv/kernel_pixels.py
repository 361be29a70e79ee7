"""Convolution: tiles of pixels × panels of output channels, swept so that a block of input stays in the cache."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.micro import (
    STEP_BYTES,
    Isa,
    PairTile,
    Requantise,
    Tile,
    call_range,
    load_i32,
    make_pair_tile,
    make_tile,
    njit,
    reader,
)

from .arguments import PairTiles, PixelTiles


def make_conv(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return conv(arguments, chunk, chunks) for panels of `vectors` vectors; see `PixelTiles`."""
    pixel_of = _make_pixel_of(isa.spec.rows)
    return _make_blocks(reader(PixelTiles), _make_sweep(isa, requantise, vectors, pixel_of), pixel_of)


def make_pair_conv(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return conv(arguments, chunk, chunks) for panels of `vectors` vectors; see `PairTiles`."""
    pixel_of = _make_pixel_of(isa.spec.rows)
    return _make_blocks(reader(PairTiles), _make_pair_sweep(isa, requantise, vectors, pixel_of), pixel_of)


def _make_blocks(arguments_at: Any, sweep: Any, pixel_of: Any) -> Any:
    @njit
    def conv(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        tile_begin, tile_end, panel_begin, panel_end = 0, a.tiles, 0, a.panels
        if a.split_panels:
            panel_begin, panel_end = panel_end * chunk // chunks, panel_end * (chunk + 1) // chunks
        else:
            tile_begin, tile_end = tile_end * chunk // chunks, tile_end * (chunk + 1) // chunks
        block, after = a.block_tiles, a.after
        for first in range(tile_begin, tile_end, block):
            last = min(first + block, tile_end)
            for panel in range(panel_begin, panel_end):
                sweep(a, panel, first, last)
            if after:
                big, small, width, channel = a.big_tiles, a.small_tiles, a.panel_channels, a.first_channel
                call_range(
                    after,
                    a.after_arguments,
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
    """Return sweep(arguments, panel, first, last): one panel over tiles first … last - 1."""
    rows = isa.spec.rows
    big_tile, small_tile, one_tile = (
        make_tile(isa, requantise, size, vectors) for size in (rows, rows - 1, 1)
    )

    @njit
    def sweep(a: Any, panel: int, first: int, last: int) -> None:
        tile = Tile(
            source=a.input,
            pixels=a.pixels,
            offsets=a.offsets,
            taps=a.taps,
            tap_count=a.tap_count,
            steps=a.steps,
            weights=a.weights + panel * a.weight_stride,
            channels=a.channels + panel * a.channel_stride,
            output=a.output + panel * a.panel_channels,
            scalars=a.scalars,
            table=a.table,
        )
        big, small = a.big_tiles, a.small_tiles
        # Four tiles together fetch the following panel.
        following, share = tile.weights + a.weight_stride, 64 * tile.tap_count * tile.steps
        at = 4 * pixel_of(first, big, small)
        for number in range(first, min(last, big)):
            big_tile(tile, at, following + number % 4 * share)
            at += 4 * rows
        for number in range(max(first, big), min(last, big + small)):
            small_tile(tile, at, following + number % 4 * share)
            at += 4 * rows - 4
        for number in range(max(first, big + small), last):
            one_tile(tile, at, following + number % 4 * share)
            at += 4

    return sweep


def _make_pair_sweep(isa: Isa, requantise: Requantise, vectors: int, pixel_of: Any) -> Any:
    """Return sweep(arguments, panel, first, last), as `_make_sweep` does, for weights packed in pairs."""
    rows, step_bytes = isa.spec.rows, 4 * isa.lanes * vectors
    big_tile, small_tile, one_tile = (
        make_pair_tile(isa, requantise, size, vectors) for size in (rows, rows - 1, 1)
    )

    @njit
    def sweep(a: Any, panel: int, first: int, last: int) -> None:
        begin, end = load_i32(a.first_steps, panel), load_i32(a.first_steps, panel + 1)
        wide, wide_end = load_i32(a.first_wide, panel), load_i32(a.first_wide, panel + 1)
        tile = PairTile(
            source=a.input,
            pixels=a.pixels,
            offsets=a.offsets,
            steps=a.steps + STEP_BYTES * begin,
            count=end - begin,
            weights=a.weights + step_bytes * begin,
            wide_steps=a.wide_steps + 4 * wide,
            wide_count=wide_end - wide,
            wide_weights=a.wide_weights + 2 * step_bytes * wide,
            channels=a.channels + panel * a.channel_stride,
            output=a.output + panel * a.panel_channels,
            scalars=a.scalars,
            table=a.table,
        )
        big, small = a.big_tiles, a.small_tiles
        following = a.weights + step_bytes * end
        at = 4 * pixel_of(first, big, small)
        for _number in range(first, min(last, big)):
            big_tile(tile, at, following)
            at += 4 * rows
        for _number in range(max(first, big), min(last, big + small)):
            small_tile(tile, at, following)
            at += 4 * rows - 4
        for _number in range(max(first, big + small), last):
            one_tile(tile, at, following)
            at += 4

    return sweep
