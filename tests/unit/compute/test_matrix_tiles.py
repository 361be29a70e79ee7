"""Which pixels make a matrix tile, and which bytes a run of taps covers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from axemu.emulator.compute._layout import SLACK, Buffer, View
from axemu.emulator.compute._paths import BLOCK_BYTES, TILE_ROWS
from axemu.emulator.compute.ops.conv._matrix import Runs, join_taps, tile_pixels, tile_shapes

HALO = 2
PIXEL = 64


@st.composite
def maps(draw: st.DrawFn) -> tuple[np.ndarray, View]:
    """Pixels of a convolution over a buffer with a halo: strides, sizes and a channel count of their own."""
    height, width, stride = draw(st.integers(1, 20)), draw(st.integers(1, 40)), draw(st.integers(1, 3))
    buffer = Buffer("x", height + 2 * HALO, width + 2 * HALO, PIXEL, (HALO,) * 4)
    view = View.of(buffer, (height, width, PIXEL))
    rows = np.arange(0, height, stride, dtype=np.int64)[:, None] * view.row
    return (rows + np.arange(0, width, stride, dtype=np.int64) * view.pixel).reshape(-1), view


@given(maps())
def test_every_pixel_is_one_row_of_one_tile(case: tuple[np.ndarray, View]) -> None:
    pixels, view = case
    tiling = tile_pixels(pixels, Runs(np.zeros(1, np.int64), PIXEL), view)
    if tiling is None:
        return
    tile = np.repeat(np.arange(tiling.starts.size), np.diff(tiling.firsts))
    rows = tiling.rows // BLOCK_BYTES
    assert ((rows >= 0) & (rows < TILE_ROWS)).all()
    np.testing.assert_array_equal(tiling.starts[tile] + rows.astype(np.int64) * tiling.stride, pixels)


@given(maps(), st.integers(-HALO, HALO), st.integers(1, PIXEL))
def test_no_row_of_a_tile_leaves_the_buffer(case: tuple[np.ndarray, View], tap: int, size: int) -> None:
    pixels, view = case
    runs = Runs(np.array([tap * view.row + tap * view.pixel, 0]), size)
    tiling = tile_pixels(pixels, runs, view)
    if tiling is None:
        return
    first = view.start + tiling.starts.astype(np.int64) + runs.offsets.min()
    last = view.start + tiling.starts + (TILE_ROWS - 1) * tiling.stride + runs.offsets.max() + size
    assert first.min() >= 0
    assert last.max() <= view.buffer.size + SLACK


def test_few_pixels_are_not_worth_a_tile() -> None:
    view = View.of(Buffer("x", 1, 3, PIXEL), (1, 3, PIXEL))
    assert tile_pixels(view.offsets(), Runs(np.zeros(1, np.int64), PIXEL), view) is None


def test_tiles_run_on_over_the_halo_between_rows() -> None:
    view = View.of(Buffer("x", 9, 9, PIXEL, (1, 1, 1, 1)), (7, 7, PIXEL))
    tiling = tile_pixels(view.offsets(), Runs(np.zeros(1, np.int64), PIXEL), view)
    assert tiling is not None
    assert tiling.starts.size == 4  # seven rows of nine positions, but for the last halo: 61 of 64 rows


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 8), st.integers(0, 2))
def test_joined_taps_cover_the_same_bytes_in_the_same_order(
    rows: int, columns: int, quads: int, gap: int
) -> None:
    depth, pixel = 4 * quads, 4 * quads + 4 * gap
    offsets = (np.arange(rows)[:, None] * 1000 + np.arange(columns) * pixel).reshape(-1).astype(np.int64)
    runs = join_taps(offsets, depth)
    single = (offsets[:, None] + np.arange(depth)).reshape(-1)
    joined = (runs.offsets[:, None] + np.arange(runs.size)).reshape(-1)
    np.testing.assert_array_equal(joined, single)
    assert runs.blocks * BLOCK_BYTES + runs.rest == runs.size
    assert runs.offsets.size == (rows if gap == 0 else rows * columns)


def test_the_configuration_holds_what_the_instruction_reads() -> None:
    shapes = tile_shapes(2, 28)
    columns, rows = shapes[16:48].view(np.uint16), shapes[48:]
    assert shapes.size == 64
    assert shapes[0] == 1
    assert columns[:8].tolist() == [64, 64, 0, 0, 64, 64, 28, 64]
    assert rows[:8].tolist() == [16, 16, 0, 0, 16, 16, 16, 7]
