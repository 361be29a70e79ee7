"""Dense products: what `conv` and `conv_transpose` hand to the micro-kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._arguments import Call, Family
from axemu.emulator.compute._assembler import Assembler, Unsupported
from axemu.emulator.compute._layout import Address, Data, View, blocks
from axemu.emulator.compute._packing import Folded, pack_channels, pack_dense, start_values
from axemu.emulator.compute._paths import TILE_ROWS, PathSpec
from axemu.emulator.compute.ops._epilogue import composed_table, leading_tables, link_epilogue
from axemu.emulator.compute.ops._scalars import epilogue
from axemu.model.ops import reciprocal
from axemu.model.program import Node

from ._fold import Tail, fold
from ._matrix import join_taps, tile_pixels, tile_shapes
from ._pairs import pack_pairs
from .arguments import MATRIX, PAIRS, PIXELS, Dense, MatrixTiles, PairTiles, PixelTiles

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
    offsets: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Constants:
    """Start values of the accumulators and float32 constants by role, one per output channel."""

    starts: npt.NDArray[np.int32]
    roles: tuple[npt.NDArray[np.float32], ...]
    folded: Folded | None = None
    """The same in fewer steps (`_fold`)."""

    def part(self, first: int, last: int) -> Constants:
        """Return those of some channels."""
        roles = tuple(role[first:last] for role in self.roles)
        folded = self.folded and self.folded.part(first, last)
        return Constants(self.starts[first:last], roles, folded)


@dataclass(frozen=True, slots=True)
class After:
    """What runs on finished pixels: a table applied in registers, then a chain of kernels."""

    table: Data | None
    call: Call


def after_conv(assembler: Assembler, node: Node) -> After:
    """Return how the epilogue of a convolution runs."""
    epilogue = assembler.epilogue(node)
    table = None
    if assembler.byte_permute:
        count = leading_tables(assembler, epilogue)
        if count:
            table = composed_table(assembler, epilogue[:count])
            epilogue = epilogue[count:]
    return After(table, link_epilogue(assembler, epilogue))


def constants_of(assembler: Assembler, node: Node, correction: npt.NDArray[np.int64]) -> Constants:
    """Return start values and constants of a convolution.

    Args:
        assembler: the program.
        node: the convolution.
        correction: int64 per output channel, added to the start value; takes back what the stored bytes and the
            padding add to the sum of weight × value.
    """
    constants = assembler.constants(node)
    if assembler.numerics == "exact":
        starts = constants["bias_i32"].astype(np.int64) + correction
        roles: tuple[Any, ...] = (constants["multiplier"],)
    else:
        starts = correction
        roles = (constants["bias_f18"], constants["offset_f18"], constants["scale_f18"])
    _check_reach(assembler, node, constants)
    exact = assembler.numerics == "exact"
    folded = None if exact or not assembler.spec.fused else _folded(assembler, node, roles)
    return Constants(starts.astype(np.int32), tuple(np.array(role, np.float32) for role in roles), folded)


def _folded(assembler: Assembler, node: Node, roles: tuple[Any, ...]) -> Folded:
    """Return the constants of `metis` in fewer steps."""
    bias, centre, scale = (np.array(role, np.float32) for role in roles)
    output = assembler.tensor(node.output)
    inverse = np.float32(reciprocal(output.scale))
    low, high = number(node, "qmin"), number(node, "qmax")
    factor, addend, proved = fold(Tail(bias, centre, scale, inverse, output.zero_point, low, high))
    return Folded((bias, factor, addend), proved)


def _check_reach(assembler: Assembler, node: Node, constants: dict[str, npt.NDArray[Any]]) -> None:
    """Leave results that may not fit int32 before they are saturated to the specification."""
    weight = constants["weight"]
    source, output = assembler.tensor(node.inputs[0]), assembler.tensor(node.output)
    largest = min(weight[0].size * 128.0 * (128 + abs(source.zero_point)), 2.0**31)
    if assembler.numerics == "exact":
        reach = (largest + np.abs(constants["bias_i32"].astype(np.float64))) * np.abs(constants["multiplier"])
    else:
        reach = largest + np.abs(constants["bias_f18"]) + np.abs(constants["offset_f18"])
        reach = reach * np.abs(constants["scale_f18"]) / output.scale
    if reach.size and reach.max() > MAX_REACH:
        raise Unsupported(f"node {node.name!r} reaches {reach.max():g} before it is saturated")


def emit_dense(
    assembler: Assembler,
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
        assembler: the program.
        node: the node whose output is written.
        source: the input.
        channels: the first output channel and the number of output channels.
        taps: the kernel.
        grid: the pixels.
        constants: of these output channels.
        after: what runs on finished pixels.
    """
    spec = assembler.spec
    first_channel, count = channels
    output = assembler.view(node.output)
    depth = taps.weights.shape[2]
    reach = taps.offsets if taps.offsets.size else np.zeros(1, np.int64)
    lowest, highest = int(grid.pixels.min() + reach.min()), int(grid.pixels.max() + reach.max()) + depth
    assembler.check(source, lowest, highest, write=False)
    # Whole blocks of channels, because that is what an epilogue works on.
    vectors = blocks(count) // spec.lanes
    offsets = assembler.table(_key("offsets", grid.offsets), grid.offsets.astype(np.int32))
    tiles = _matrix_tiles(assembler, source, taps, grid) or _pixel_tiles(assembler, taps, grid)
    shared: dict[str, Any] = {
        "input": Address(source.buffer, source.start),
        "offsets": offsets,
        "scalars": epilogue(
            assembler.numerics, assembler.tensor(node.output), number(node, "qmin"), number(node, "qmax")
        ),
        "table": after.table,
        "after": after.call.kernel,
        "after_arguments": after.call.arguments,
    }
    most = spec.panel_vectors
    whole, rest = divmod(vectors, most)
    for panels, width, begin in ((whole, most, 0), (1 if rest else 0, rest, most * whole * spec.lanes)):
        if not panels:
            continue
        end = min(count, begin + panels * width * spec.lanes)
        written = first_channel + begin + panels * width * spec.lanes
        assembler.check(output, int(grid.offsets.min()), int(grid.offsets.max()) + written, write=True)
        packed = tiles.pack(taps.weights[begin:end], panels, width)
        part = constants.part(begin, end)
        starts = start_values(part.starts, taps.weights[begin:end], spec)
        starts = (starts.astype(np.int64) + packed.starts).astype(np.int32)
        by_channel = pack_channels(starts, part.roles, panels, width, spec, part.folded)
        panel_bytes = packed.weights.nbytes // panels
        sweep = _sweep(assembler, tiles, panels, width * spec.lanes, panel_bytes, highest - lowest, after)
        arguments = tiles.arguments(
            width,
            **shared,
            **packed.fields,
            output=Address(output.buffer, output.start + first_channel + begin),
            first_channel=first_channel + begin,
            weights=Data(packed.weights),
            channels=Data(by_channel),
            channel_stride=by_channel[0].nbytes,
            panels=panels,
            panel_channels=width * spec.lanes,
            tiles=tiles.count,
            block_tiles=sweep.block,
            split_panels=int(sweep.split_panels),
        )
        assembler.emit(
            tiles.family(numerics=assembler.numerics, vectors=width),
            arguments,
            reads=[source, *assembler.fused_reads(node)],
            writes=[output],
            chunks=sweep.chunks,
        )


@dataclass(frozen=True, slots=True)
class Panels:
    """Weights in the order in which a kernel reads them."""

    weights: npt.NDArray[np.int8]
    fields: dict[str, Any]
    """What else the kernel's arguments say about them."""
    starts: npt.NDArray[np.int64] | int = 0
    """What the order adds to the start value of each channel."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """How a kernel cuts its pixels."""

    family: Family[Any]
    pixels: int
    count: int
    rows: int
    """Pixels of a full tile."""
    arguments: Callable[..., Dense]
    """arguments(vectors, **fields): those of the kernel, from the vectors of a panel and the fields that all tiles share."""
    pack: Callable[[npt.NDArray[np.int8], int, int], Panels]
    """pack(weights, panels, vectors)"""


def _pixel_tiles(assembler: Assembler, taps: Taps, grid: Grid) -> Tiles:
    """Cut pixels, wherever they lie, into tiles of a few."""
    rows = assembler.spec.rows
    big, small, single = cover(grid.pixels.size, rows)
    shape: dict[str, Any] = {
        "pixels": assembler.table(_key("pixels", grid.pixels), grid.pixels.astype(np.int32)),
        "big_tiles": big,
        "small_tiles": small,
    }
    counts = (grid.pixels.size, big + small + single, rows)
    if assembler.spec.paired:

        def in_pairs(weights: npt.NDArray[np.int8], panels: int, vectors: int) -> Panels:
            pairs = pack_pairs(weights, taps.offsets, panels, vectors, assembler.spec.lanes)
            tables = ("steps", "first_steps", "wide_weights", "wide_steps", "first_wide")
            fields = {name: Data(getattr(pairs, name)) for name in tables}
            return Panels(pairs.weights, fields, pairs.starts)

        return Tiles(PAIRS, *counts, lambda _vectors, **shared: PairTiles(**shared, **shape), in_pairs)
    reach = taps.offsets if taps.offsets.size else np.zeros(1, np.int64)
    shape |= {
        "taps": Data(reach.astype(np.int32)),
        "tap_count": taps.offsets.size,
        "steps": taps.weights.shape[2] // 4,
    }
    pack = partial(_in_rows, assembler.spec)
    return Tiles(PIXELS, *counts, lambda _vectors, **shared: PixelTiles(**shared, **shape), pack)


def _in_rows(spec: PathSpec, weights: npt.NDArray[np.int8], panels: int, vectors: int) -> Panels:
    packed = pack_dense(weights, panels, vectors, spec)
    return Panels(packed, {"weight_stride": packed.shape[1]})


def _matrix_tiles(assembler: Assembler, source: View, taps: Taps, grid: Grid) -> Tiles | None:
    """Cut pixels into matrix tiles, where the path has them and they are worth it."""
    if not assembler.spec.matrix:
        return None
    runs = join_taps(taps.offsets, taps.weights.shape[2])
    tiling = tile_pixels(grid.pixels, runs, source)
    if tiling is None:
        return None
    starts, firsts, rows = Data(tiling.starts), Data(tiling.firsts), Data(tiling.rows)
    offsets = Data(runs.offsets.astype(np.int32))

    def arguments(vectors: int, **shared: Any) -> MatrixTiles:
        return MatrixTiles(
            **shared,
            taps=offsets,
            tap_count=runs.offsets.size,
            starts=starts,
            stride=tiling.stride,
            firsts=firsts,
            rows=rows,
            blocks=runs.blocks,
            rest=runs.rest,
            shapes=Data(tile_shapes(vectors, runs.rest)),
        )

    pack = partial(_in_rows, assembler.spec)
    return Tiles(MATRIX, grid.pixels.size, tiling.starts.size, TILE_ROWS, arguments, pack)


@dataclass(frozen=True, slots=True)
class Sweep:
    """In which order panels meet tiles."""

    block: int
    """Tiles that all panels pass before the next."""
    split_panels: bool
    """Whether threads share panels instead of tiles."""
    chunks: int


def _sweep(
    assembler: Assembler, tiles: Tiles, panels: int, width: int, weight_bytes: int, reach: int, after: After
) -> Sweep:
    """Choose blocks and chunks.

    Args:
        assembler: the program.
        tiles: the tiles.
        panels: how many.
        width: channels of a panel.
        weight_bytes: of a panel.
        reach: bytes of input that all tiles cover.
        after: what runs on finished pixels.
    """
    block = max(8, CACHED_INPUT // max(1, reach // tiles.count))
    if after.call.kernel is not None:
        block = min(block, max(4, CACHED_OUTPUT // (tiles.rows * panels * width)))
    elif panels == 1:
        block = tiles.count
    split_panels = panels >= 8 and tiles.count < SPLIT_BELOW // tiles.rows
    work = tiles.pixels * panels * weight_bytes // 64
    chunks = assembler.chunks(work, panels if split_panels else tiles.count)
    if split_panels:
        block = tiles.count
    return Sweep(min(block, tiles.count), split_panels, chunks)


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
