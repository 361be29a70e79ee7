"""Arguments of the kernels of convolutions."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._arguments import NUMERICS, Arguments, Family, Kernel
from axemu.emulator.compute._layout import Address, Data


class Dense(Arguments):
    """A dense product: what the kernels share."""

    input: Address
    output: Address  # first result channel of the first panel
    first_channel: int  # number of that channel within the tensor
    offsets: Data  # int32 offsets of results from `output`
    weights: Data
    channels: Data  # start values and requantisation constants
    channel_stride: int
    panels: int  # all of one width,
    panel_channels: int  # which is this
    tiles: int
    block_tiles: int  # tiles whose input stays in the cache while the panels pass
    split_panels: int  # 1: chunks are ranges of panels, 0: ranges of tiles
    scalars: Data  # Epilogue
    table: Data | None  # 256 bytes applied to each result
    after: Kernel[Any] | None  # called on each finished range of pixels
    after_arguments: Arguments | None


class PixelTiles(Dense):
    """A dense product by tiles of a few pixels that need not lie at equal distances."""

    taps: Data  # int32 offsets of taps from a pixel
    tap_count: int
    weight_stride: int  # bytes from one panel's weights to the next
    pixels: Data  # int32 offsets of pixels from the input
    steps: int  # k-steps per tap
    big_tiles: int  # tiles of `rows` pixels come first,
    small_tiles: int  # then tiles of rows - 1, then single pixels


class PairTiles(Dense):
    """A dense product by tiles of a few pixels, of bytes multiplied in pairs whose sums fit 16 bits."""

    pixels: Data  # int32 offsets of pixels from the input
    steps: Data  # of all panels, as the fields that follow: see `_pairs`
    first_steps: Data
    wide_weights: Data
    wide_steps: Data
    first_wide: Data
    big_tiles: int  # as in `PixelTiles`
    small_tiles: int


class MatrixTiles(Dense):
    """A dense product by matrix tiles: sixteen rows at equal distances, some of which are results."""

    taps: Data  # as in `PixelTiles`
    tap_count: int
    weight_stride: int
    starts: Data  # int32 offsets of the first row of each tile from the input
    stride: int  # bytes from one row of a tile to the next
    firsts: Data  # int32 number of the first result of each tile, and of all results
    rows: Data  # int32 byte offset of each result's row within a tile of accumulators
    blocks: int  # whole blocks per tap
    rest: int  # bytes of a tap after them
    shapes: Data  # the tile configuration, 64 bytes


class Depthwise(Arguments):
    """A depthwise convolution."""

    input: Address
    output: Address
    first_channel: int  # number of the channel at `input` and `output` within the tensor
    pixels: Data
    offsets: Data
    taps: Data  # int32 offsets of taps from a pixel, four per group
    groups: int  # groups of four taps
    weights: Data
    weight_stride: int  # bytes from one block's weights to the next
    channels: Data
    channel_stride: int
    blocks: int  # blocks of four vectors of channels
    width: int  # bytes of a pixel that may be written from `output` on: a multiple of 16
    big_tiles: int
    tiles: int
    scalars: Data  # Epilogue
    table: Data | None
    after: Kernel[Any] | None
    after_arguments: Arguments | None


class ConvAdd(Arguments):
    """A dense convolution to which another tensor is added before its results are rounded."""

    input: Address
    pixels: Data  # int32 offsets of pixels from the input
    taps: Data  # int32 offsets of taps from a pixel
    tap_count: int
    depth: int  # bytes per tap
    weights: Data  # int8 (blocks, taps, depth, 16)
    constants: Data  # (blocks, 4, 16): start values, then requantisation constants
    other: Address
    other_offsets: Data
    output: Address
    offsets: Data
    count: int  # pixels
    blocks: int  # of 16 channels
    scalars: Data  # Single, of the other tensor; its scale is divided by that of the output in `exact`


VECTORS = (1, 2, 3, 4)
"""Vectors of a panel."""

PIXELS = Family("conv_{numerics}_{vectors}", PixelTiles, numerics=NUMERICS, vectors=VECTORS)
PAIRS = Family("conv_pairs_{numerics}_{vectors}", PairTiles, numerics=NUMERICS, vectors=(2,))
MATRIX = Family("matrix_{numerics}_{vectors}", MatrixTiles, numerics=NUMERICS, vectors=VECTORS)
DEPTHWISE = Family("depthwise_{numerics}", Depthwise, numerics=NUMERICS)
HALF_DEPTHWISE = Family("depthwise_half_{numerics}", Depthwise, numerics=NUMERICS)
"""On vectors of half as many lanes, for few channels."""
CONV_ADD = Family("conv_add_{numerics}", ConvAdd, numerics=NUMERICS)
