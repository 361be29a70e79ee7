"""Convolution by matrix tiles: blocks of sixteen pixels × panels of output channels (AMX)."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._paths import TILE_ROWS
from axemu.emulator.compute.micro import (
    Isa,
    MatrixTile,
    Requantise,
    call_range,
    load_i32,
    make_matrix_tile,
    njit,
    reader,
    release_tiles,
    shape_tiles,
)

from .arguments import MatrixTiles

arguments_at = reader(MatrixTiles)


def make_matrix_conv(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return conv(arguments, chunk, chunks) for panels of `vectors` vectors; see `MatrixTiles`."""
    sweep = _make_sweep(isa, requantise, vectors)

    @njit
    def conv(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        tile_begin, tile_end, panel_begin, panel_end = 0, a.tiles, 0, a.panels
        if a.split_panels:
            panel_begin, panel_end = panel_end * chunk // chunks, panel_end * (chunk + 1) // chunks
        else:
            tile_begin, tile_end = tile_end * chunk // chunks, tile_end * (chunk + 1) // chunks
        block, after, firsts = a.block_tiles, a.after, a.firsts
        shape_tiles(a.shapes)
        for first in range(tile_begin, tile_end, block):
            last = min(first + block, tile_end)
            for panel in range(panel_begin, panel_end):
                sweep(a, panel, first, last)
            if after:
                width, channel = a.panel_channels, a.first_channel
                call_range(
                    after,
                    a.after_arguments,
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
    """Return sweep(arguments, panel, first, last): one panel over tiles first … last - 1."""
    compute = make_matrix_tile(isa, requantise, vectors)
    lines_per_block = TILE_ROWS * vectors // FETCHING

    @njit
    def sweep(a: Any, panel: int, first: int, last: int) -> None:
        source, stride, starts = a.input, a.stride, a.starts
        taps, count, blocks, rest = a.taps, a.tap_count, a.blocks, a.rest
        weights = a.weights + panel * a.weight_stride
        channels = a.channels + panel * a.channel_stride
        output = a.output + panel * a.panel_channels
        firsts, rows, offsets = a.firsts, a.rows, a.offsets
        scalars, table = a.scalars, a.table
        following, share = weights + a.weight_stride, a.weight_stride // FETCHING
        for number in range(first, last):
            begin = load_i32(firsts, number)
            lines = lines_per_block if number - first < FETCHING else 0
            tile = MatrixTile(
                source=source + load_i32(starts, number),
                stride=stride,
                taps=taps,
                tap_count=count,
                blocks=blocks,
                rest=rest,
                weights=weights,
                ahead=following + (number - first) * share,
                lines=lines,
                channels=channels,
                output=output,
                rows=rows + 4 * begin,
                offsets=offsets + 4 * begin,
                count=load_i32(firsts, number + 1) - begin,
                scalars=scalars,
                table=table,
            )
            compute(tile)

    return sweep
