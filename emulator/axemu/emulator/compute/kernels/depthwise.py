"""Depthwise convolution: one filter per channel."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import depthwise as f
from axemu.emulator.compute.micro import Isa, Requantise, call_range, load_i64, make_depth_tile, njit

BLOCK_TILES = 16
"""Tiles swept through all blocks of channels before the next: their input stays in the first-level cache."""


def make_depthwise(isa: Isa, numerics: str) -> Any:
    """Return depthwise(descriptor, chunk, chunks); see `fields.depthwise`."""
    rows = isa.spec.depth_rows
    requantise = Requantise(numerics)
    big_tile = make_depth_tile(isa, requantise, rows)
    one_tile = make_depth_tile(isa, requantise, 1)
    block_channels = 4 * isa.lanes

    @njit
    def pixel_of(tile: int, big: int) -> int:
        return tile * rows if tile <= big else big * rows + tile - big

    @njit
    def depthwise(d: int, chunk: int, chunks: int) -> None:
        pixels, places, taps = load_i64(d, f.PIXELS), load_i64(d, f.PLACES), load_i64(d, f.TAPS)
        groups, blocks, width = load_i64(d, f.GROUPS), load_i64(d, f.BLOCKS), load_i64(d, f.WIDTH)
        weight_stride, channel_stride = load_i64(d, f.WEIGHT_STRIDE), load_i64(d, f.CHANNEL_STRIDE)
        scalars, table, after = load_i64(d, f.SCALARS), load_i64(d, f.TABLE), load_i64(d, f.AFTER)
        big, tiles = load_i64(d, f.BIG_TILES), load_i64(d, f.TILES)
        tile_begin, tile_end = tiles * chunk // chunks, tiles * (chunk + 1) // chunks
        for first in range(tile_begin, tile_end, BLOCK_TILES):
            last = min(first + BLOCK_TILES, tile_end)
            for block in range(blocks):
                skip = block * block_channels
                source, output = load_i64(d, f.INPUT) + skip, load_i64(d, f.OUTPUT) + skip
                weights = load_i64(d, f.WEIGHTS) + block * weight_stride
                channels = load_i64(d, f.CHANNELS) + block * channel_stride
                for t in range(first, min(last, big)):
                    at = 4 * pixel_of(t, big)
                    big_tile(
                        source, pixels + at, taps, groups, weights, channels, output, places + at, scalars, table, width - skip
                    )  # fmt: skip
                for t in range(max(first, big), last):
                    at = 4 * pixel_of(t, big)
                    one_tile(
                        source, pixels + at, taps, groups, weights, channels, output, places + at, scalars, table, width - skip
                    )  # fmt: skip
            if after:
                channel = load_i64(d, f.FIRST_CHANNEL)
                call_range(
                    after,
                    load_i64(d, f.AFTER_DESCRIPTOR),
                    pixel_of(first, big),
                    pixel_of(last, big),
                    channel,
                    channel + width,
                )

    return depthwise
