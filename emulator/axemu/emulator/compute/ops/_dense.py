"""Dense products: what `conv` and `conv_transpose` hand to the micro-kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._layout import Address, Data, Descriptor, KernelAddress, Value, View, blocks
from axemu.emulator.compute._lowering import Lowering, Unsupported
from axemu.emulator.compute._packing import pack_channels, pack_weights
from axemu.emulator.compute.fields import conv as c
from axemu.emulator.compute.fields import dense as f
from axemu.emulator.compute.fields import matrix as m
from axemu.model.program import Node

from ._follow import composed_table, leading_tables, link_followers
from ._matrix import join_taps, tile_pixels, tile_shapes
from ._scalars import conv_scalars

CACHED_INPUT = 128 * 1024
"""Bytes of input that a block of tiles may cover, so that it is still cached when the next panel needs it."""
CACHED_OUTPUT = 32 * 1024
"""Bytes of output of a block of tiles whose results another kernel reads again at once."""
SPLIT_BELOW = 384
"""Pixels below which threads share panels instead of pixels."""
MAX_REACH = 2.0**30
"""Rounding to int32 needs |x| < 2**31; half of it leaves room for the roundings on the way."""


@dataclass(frozen=True, slots=True)
class Taps:
    """Positions of a kernel: byte offsets from a pixel's address, and the weights that meet the bytes there."""

    offsets: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int8]
    """int8 (output channels, taps, bytes per tap), bytes per tap a multiple of 4."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Input and output pixels that belong together, as byte offsets from the views' first bytes."""

    pixels: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Constants:
    """Start values of the accumulators and float32 constants by role, one per output channel."""

    starts: npt.NDArray[np.int32]
    roles: tuple[npt.NDArray[np.float32], ...]

    def part(self, first: int, last: int) -> Constants:
        """Return those of some channels."""
        return Constants(self.starts[first:last], tuple(role[first:last] for role in self.roles))


@dataclass(frozen=True, slots=True)
class After:
    """What runs on finished pixels: a table applied in registers, then a chain of kernels."""

    table: Value
    kernel: Value
    descriptor: Value


def after_conv(lowering: Lowering, node: Node) -> After:
    """Return how the followers of a convolution run."""
    followers = lowering.followers(node)
    table: Value = 0
    if lowering.byte_permute:
        count = leading_tables(lowering, followers)
        if count:
            table = composed_table(lowering, followers[:count])
            followers = followers[count:]
    return After(table, *link_followers(lowering, followers))


def constants_of(lowering: Lowering, node: Node, correction: npt.NDArray[np.int64]) -> Constants:
    """Return start values and constants of a convolution.

    Args:
        lowering: the program.
        node: the convolution.
        correction: int64 per output channel, added to the start value; takes back what the stored bytes and the
            padding add to the sum of weight × value.
    """
    constants = lowering.constants(node)
    if lowering.numerics == "exact":
        starts = constants["bias_i32"].astype(np.int64) + correction
        roles: tuple[Any, ...] = (constants["multiplier"],)
    else:
        starts = correction
        roles = (constants["bias_f18"], constants["offset_f18"], constants["scale_f18"])
    _check_reach(lowering, node, constants)
    return Constants(starts.astype(np.int32), tuple(np.array(role, np.float32) for role in roles))


def _check_reach(lowering: Lowering, node: Node, constants: dict[str, npt.NDArray[Any]]) -> None:
    """Leave results that may not fit int32 before they are saturated to the specification."""
    weight = constants["weight"]
    source, output = lowering.tensor(node.inputs[0]), lowering.tensor(node.output)
    largest = min(weight[0].size * 128.0 * (128 + abs(source.zero_point)), 2.0**31)
    if lowering.numerics == "exact":
        reach = (largest + np.abs(constants["bias_i32"].astype(np.float64))) * np.abs(constants["multiplier"])
    else:
        reach = largest + np.abs(constants["bias_f18"]) + np.abs(constants["offset_f18"])
        reach = reach * np.abs(constants["scale_f18"]) / output.scale
    if reach.size and reach.max() > MAX_REACH:
        raise Unsupported(f"node {node.name!r} reaches {reach.max():g} before it is saturated")


def emit_dense(
    lowering: Lowering,
    node: Node,
    source: View,
    channels: tuple[int, int],
    taps: Taps,
    grid: Grid,
    constants: Constants,
    after: After,
) -> None:
    """Append the stages of a dense product.

    Args:
        lowering: the program.
        node: the node whose output is written.
        source: the input.
        channels: the first output channel and the number of output channels.
        taps: the kernel.
        grid: the pixels.
        constants: of these output channels.
        after: what runs on finished pixels.
    """
    spec = lowering.spec
    first_channel, count = channels
    output = lowering.view(node.output)
    depth = taps.weights.shape[2]
    reach = taps.offsets if taps.offsets.size else np.zeros(1, np.int64)
    lowest, highest = int(grid.pixels.min() + reach.min()), int(grid.pixels.max() + reach.max()) + depth
    lowering.check(source, lowest, highest, write=False)
    # Whole blocks of channels, because that is what followers work on.
    vectors = blocks(count) // spec.lanes
    scalars = Data(
        conv_scalars(
            lowering.numerics, lowering.tensor(node.output), number(node, "qmin"), number(node, "qmax")
        )
    )
    places = lowering.table(_key("places", grid.places), grid.places.astype(np.int32))
    tiles = _matrix_tiles(lowering, source, taps, grid) or _pixel_tiles(lowering, taps, grid)
    whole, rest = divmod(vectors, 4)
    for panels, width, begin in ((whole, 4, 0), (1 if rest else 0, rest, 4 * whole * spec.lanes)):
        if not panels:
            continue
        end = min(count, begin + panels * width * spec.lanes)
        written = first_channel + begin + panels * width * spec.lanes
        lowering.check(output, int(grid.places.min()), int(grid.places.max()) + written, write=True)
        descriptor = tiles.descriptor(width).update(
            {
                f.INPUT: Address(source.buffer, source.start),
                f.OUTPUT: Address(output.buffer, output.start + first_channel + begin),
                f.FIRST_CHANNEL: first_channel + begin,
                f.PLACES: places,
                f.SCALARS: scalars,
                f.TABLE: after.table,
                f.AFTER: after.kernel,
                f.AFTER_DESCRIPTOR: after.descriptor,
            }
        )
        _set_panels(lowering, descriptor, taps.weights[begin:end], constants.part(begin, end), panels, width)
        chunks = _set_blocks(lowering, descriptor, tiles, grid.pixels.size, highest - lowest)
        lowering.emit(
            f"{tiles.kernel}_{lowering.numerics}_{width}",
            descriptor,
            reads=[source, *lowering.follower_reads(node)],
            writes=[output],
            chunks=chunks,
        )


@dataclass(frozen=True, slots=True)
class Tiles:
    """How a kernel cuts its pixels."""

    kernel: str
    count: int
    rows: int
    """Pixels of a full tile."""
    size: int
    fields: dict[int, Value]
    """The kernel's own fields, and the taps as it takes them."""
    rest: int = 0

    def descriptor(self, vectors: int) -> Descriptor:
        """Return a descriptor with these fields."""
        descriptor = Descriptor(self.size).update(self.fields)
        if self.kernel == "matrix":
            descriptor[m.SHAPES] = Data(tile_shapes(vectors, self.rest))
        return descriptor


def _pixel_tiles(lowering: Lowering, taps: Taps, grid: Grid) -> Tiles:
    """Cut pixels, wherever they lie, into tiles of a few."""
    rows = lowering.spec.rows
    big, small, single = cover(grid.pixels.size, rows)
    reach = taps.offsets if taps.offsets.size else np.zeros(1, np.int64)
    fields: dict[int, Value] = {
        c.PIXELS: lowering.table(_key("pixels", grid.pixels), grid.pixels.astype(np.int32)),
        c.STEPS: taps.weights.shape[2] // 4,
        c.BIG_TILES: big,
        c.SMALL_TILES: small,
        f.TAPS: Data(reach.astype(np.int32)),
        f.TAP_COUNT: taps.offsets.size,
    }
    return Tiles("conv", big + small + single, rows, c.SIZE, fields)


def _matrix_tiles(lowering: Lowering, source: View, taps: Taps, grid: Grid) -> Tiles | None:
    """Cut pixels into matrix tiles, where the path has them and they are worth it."""
    if not lowering.spec.matrix:
        return None
    runs = join_taps(taps.offsets, taps.weights.shape[2])
    tiling = tile_pixels(grid.pixels, runs, source)
    if tiling is None:
        return None
    fields: dict[int, Value] = {
        m.STARTS: Data(tiling.starts),
        m.STRIDE: tiling.stride,
        m.FIRSTS: Data(tiling.firsts),
        m.ROWS: Data(tiling.rows),
        m.BLOCKS: runs.blocks,
        m.REST: runs.rest,
        f.TAPS: Data(runs.offsets.astype(np.int32)),
        f.TAP_COUNT: runs.offsets.size,
    }
    return Tiles("matrix", tiling.starts.size, m.TILE_ROWS, m.SIZE, fields, runs.rest)


def _set_panels(
    lowering: Lowering,
    descriptor: Descriptor,
    weights: npt.NDArray[np.int8],
    constants: Constants,
    panels: int,
    vectors: int,
) -> None:
    packed = pack_weights(weights, panels, vectors, lowering.spec)
    by_channel = pack_channels(constants.starts, constants.roles, panels, vectors, lowering.spec)
    descriptor.update(
        {
            f.WEIGHTS: Data(packed),
            f.WEIGHT_STRIDE: packed.shape[1],
            f.CHANNELS: Data(by_channel),
            f.CHANNEL_STRIDE: by_channel[0].nbytes,
            f.PANELS: panels,
            f.PANEL_CHANNELS: vectors * lowering.spec.lanes,
        }
    )


def _set_blocks(lowering: Lowering, descriptor: Descriptor, tiles: Tiles, pixels: int, reach: int) -> int:
    """Choose blocks and chunks; return the number of chunks."""
    panels = descriptor_int(descriptor, f.PANELS)
    bytes_per_tile = max(1, reach // tiles.count)
    block = max(8, CACHED_INPUT // bytes_per_tile)
    if isinstance(descriptor[f.AFTER], KernelAddress):
        width = panels * descriptor_int(descriptor, f.PANEL_CHANNELS)
        block = min(block, max(4, CACHED_OUTPUT // (tiles.rows * width)))
    elif panels == 1:
        block = tiles.count
    work = pixels * panels * descriptor_int(descriptor, f.WEIGHT_STRIDE) // 64
    split_panels = panels >= 8 and tiles.count < SPLIT_BELOW // tiles.rows
    chunks = lowering.chunks(work, panels if split_panels else tiles.count)
    if split_panels:
        block = tiles.count
    descriptor.update(
        {
            f.TILES: tiles.count,
            f.BLOCK_TILES: min(block, tiles.count),
            f.SPLIT_PANELS: int(split_panels),
        }
    )
    return chunks


def descriptor_int(descriptor: Descriptor, index: int) -> int:
    """Return a field that is a number."""
    field = descriptor[index]
    assert isinstance(field, int)  # noqa: S101  fields of tiles and panels are
    return field


def cover(count: int, rows: int) -> tuple[int, int, int]:
    """Return how many tiles of `rows`, of rows - 1 and of 1 pixel cover `count` pixels, with as few singles as can be."""
    if rows == 2:
        return count // 2, 0, count % 2
    for single in range(rows):
        rest = count - single
        small = (-rest) % rows
        if rest >= small * (rows - 1) and (rest - small * (rows - 1)) % rows == 0:
            return (rest - small * (rows - 1)) // rows, small, single
    return 0, 0, count


def _key(kind: str, table: npt.NDArray[np.int64]) -> Any:
    return kind, table.size, hash(table.tobytes())
