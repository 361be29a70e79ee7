"""Arguments of kernels that only move bytes."""

from __future__ import annotations

from axemu.emulator.compute._arguments import Arguments, Family
from axemu.emulator.compute._layout import Address, Data, External


class Copy(Arguments):
    """target[h, w, c] = source[h, w, c] with any strides (target channels are adjacent)."""

    source: Address | External
    source_row: int
    source_pixel: int
    source_channel: int
    target: Address | External
    target_row: int
    target_pixel: int
    rows: int
    columns: int
    channels: int
    flip: int = 0  # 0x80 where signed bytes outside meet stored bytes inside, else 0


class Border(Arguments):
    """The outer `top`, `bottom` rows and `left`, `right` columns of rows × columns pixels get one value."""

    target: Address
    row: int  # bytes from row to row
    pixel: int
    rows: int
    columns: int
    top: int
    left: int
    bottom: int
    right: int
    value: int


class Reshape(Arguments):
    """Both tensors in row-major order."""

    source: Address
    source_columns: int
    source_channels: int
    source_row: int
    source_pixel: int
    target: Address
    target_columns: int
    target_channels: int
    target_row: int
    target_pixel: int
    count: int  # bytes in all


class ResizeNearest(Arguments):
    """Each output pixel is a copy of one of the input."""

    source: Address
    target: Address
    target_row: int
    target_pixel: int
    rows: int
    columns: int
    row_offsets: Data  # int32, bytes from `source`
    column_offsets: Data
    width: int  # bytes per pixel, a multiple of 16


COPY = Family("copy", Copy)
BORDER = Family("border", Border)
RESHAPE = Family("reshape", Reshape)
RESIZE_NEAREST = Family("resize_nearest", ResizeNearest)
