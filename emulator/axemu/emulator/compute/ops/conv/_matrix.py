"""Dense products by matrix tiles: which pixels make a tile, and when that is worth it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._layout import SLACK, View
from axemu.emulator.compute._paths import BLOCK_BYTES, TILE_ROWS

WORTH_PIXELS = 4
"""Results a tile has to have on average; below that the vector kernel is as fast."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Tiles of sixteen rows at equal distances, some of whose rows are results, in the order of the pixels."""

    starts: npt.NDArray[np.int32]
    """Byte offset of each tile's first row."""
    stride: int
    """Bytes from row to row."""
    firsts: npt.NDArray[np.int32]
    """Number of the first pixel of each tile, and of all pixels."""
    rows: npt.NDArray[np.int32]
    """Row of each pixel within its tile."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Taps, those that continue one another taken together."""

    offsets: npt.NDArray[np.int64]
    size: int
    """Bytes of each."""

    @property
    def blocks(self) -> int:
        """Whole blocks of a run."""
        return self.size // BLOCK_BYTES

    @property
    def rest(self) -> int:
        """Bytes of a run after its whole blocks."""
        return self.size % BLOCK_BYTES


def join_taps(offsets: npt.NDArray[np.int64], depth: int) -> Runs:
    """Join neighbouring taps of `depth` bytes into runs of equal length, where they follow each other in memory."""
    breaks = np.flatnonzero(np.diff(offsets) != depth) + 1
    lengths = np.diff([0, *breaks, offsets.size])
    if not offsets.size or (lengths != lengths[0]).any():
        return Runs(offsets, depth)
    length = int(lengths[0])
    return Runs(offsets[::length], depth * length)


def tile_pixels(pixels: npt.NDArray[np.int64], runs: Runs, view: View) -> Tiling | None:
    """Cover pixels with as few tiles as can be, or return None where tiles are not worth it or leave the buffer.

    Rows of a tile between its pixels (halo of the input, mostly) are computed and thrown away.

    Args:
        pixels: byte offsets from the view's first byte, in the order of the results.
        runs: what is read of each.
        view: the input.
    """
    stride = int(pixels[1] - pixels[0]) if pixels.size > 1 else 0
    if stride <= 0 or not runs.offsets.size:
        return None
    lowest = -view.start - int(runs.offsets.min())
    highest = view.buffer.size + SLACK - view.start - int(runs.offsets.max()) - runs.size
    starts: list[int] = []
    firsts, rows = [0], np.empty(pixels.size, np.int64)
    steps = np.diff(pixels)
    ends = [*(np.flatnonzero((steps % stride != 0) | (steps <= 0)) + 1).tolist(), pixels.size]
    begin = 0
    for end in ends:
        line = (pixels[begin:end] - pixels[begin]) // stride
        rows[begin:end] = line
        positions = line.tolist()
        at = 0
        while at < len(positions):
            last = bisect_left(positions, positions[at] + TILE_ROWS, at)
            start = int(pixels[begin]) + positions[at] * stride
            back = max(0, -((highest - start - (TILE_ROWS - 1) * stride) // stride))
            if start - back * stride < lowest or back + positions[last - 1] - positions[at] >= TILE_ROWS:
                return None
            rows[begin + at : begin + last] += back - positions[at]
            starts.append(start - back * stride)
            firsts.append(begin + last)
            at = last
        begin = end
    if pixels.size < WORTH_PIXELS * len(starts):
        return None
    return Tiling(
        np.array(starts, np.int32), stride, np.array(firsts, np.int32), rows.astype(np.int32) * BLOCK_BYTES
    )


def tile_shapes(vectors: int, rest: int) -> npt.NDArray[np.uint8]:
    """Return the 64 bytes that configure the tile registers (see `micro._matrix`)."""
    columns, rows = np.zeros(16, np.uint16), np.zeros(16, np.uint8)
    for register in (*range(vectors), 4, 5):
        columns[register], rows[register] = BLOCK_BYTES, TILE_ROWS
    if rest:
        columns[6], rows[6] = rest, TILE_ROWS
        columns[7], rows[7] = BLOCK_BYTES, rest // 4
    palette = np.zeros(16, np.uint8)
    palette[0] = 1
    return np.concatenate([palette, columns.view(np.uint8), rows])
