"""Depthwise convolution: one filter per channel."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.micro import (
    DepthTile,
    Isa,
    Requantise,
    call_range,
    make_depth_tile,
    njit,
    reader,
)

from .arguments import Depthwise

arguments_at = reader(Depthwise)

BLOCK_TILES = 16
"""Tiles swept through all blocks of channels before the next: their input stays in the first-level cache."""


def make_depthwise(isa: Isa, numerics: str) -> Any:
    """Return depthwise(arguments, chunk, chunks); see `Depthwise`."""
    rows = isa.spec.depth_rows
    requantise = Requantise(numerics)
    big_tile = make_depth_tile(isa, requantise, rows)
    one_tile = make_depth_tile(isa, requantise, 1)
    block_channels = 4 * isa.lanes

    @njit
    def pixel_of(tile: int, big: int) -> int:
        return tile * rows if tile <= big else big * rows + tile - big

    @njit
    def depthwise(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        pixels, offsets, taps = a.pixels, a.offsets, a.taps
        groups, blocks, width = a.groups, a.blocks, a.width
        weight_stride, channel_stride = a.weight_stride, a.channel_stride
        scalars, table, after = a.scalars, a.table, a.after
        big, tiles = a.big_tiles, a.tiles
        tile_begin, tile_end = tiles * chunk // chunks, tiles * (chunk + 1) // chunks
        for first in range(tile_begin, tile_end, BLOCK_TILES):
            last = min(first + BLOCK_TILES, tile_end)
            for block in range(blocks):
                skip = block * block_channels
                tile = DepthTile(
                    source=a.input + skip,
                    output=a.output + skip,
                    pixels=pixels,
                    offsets=offsets,
                    taps=taps,
                    groups=groups,
                    weights=a.weights + block * weight_stride,
                    channels=a.channels + block * channel_stride,
                    scalars=scalars,
                    table=table,
                )
                for number in range(first, min(last, big)):
                    big_tile(tile, 4 * pixel_of(number, big), width - skip)
                for number in range(max(first, big), last):
                    one_tile(tile, 4 * pixel_of(number, big), width - skip)
            if after:
                channel = a.first_channel
                call_range(
                    after,
                    a.after_arguments,
                    pixel_of(first, big),
                    pixel_of(last, big),
                    channel,
                    channel + width,
                )

    return depthwise
