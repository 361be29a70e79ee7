"""Moving bytes between tensors of any layout, and filling borders."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import move as f
from axemu.emulator.compute.micro import (
    block,
    cgutils,
    copy_bytes,
    fill_bytes,
    intrinsic_of,
    load_i32,
    load_i64,
    load_u8,
    njit,
    store_u8,
)
from axemu.emulator.compute.micro.ir import I8, Builder, Value, const, load, splat, store


def _flip_run(b: Builder, target: Value, source: Value, count: Value, flip: Value) -> None:
    mask = splat(b, b.trunc(flip, I8), block.LANES)
    rest = b.mul(b.udiv(count, const(block.LANES)), const(block.LANES))

    def body(at: Value) -> None:
        store(b, b.xor(load(b, b.add(source, at), block.BYTES), mask), b.add(target, at))

    block.for_blocks(b, count, body)
    with cgutils.for_range(b, b.sub(count, rest)) as loop:
        at = b.add(rest, loop.index)
        store(b, b.xor(load(b, b.add(source, at), I8), b.trunc(flip, I8)), b.add(target, at))


_flip = intrinsic_of(_flip_run)


def make_copy() -> Any:
    """Return copy(descriptor, chunk, chunks); see `fields.move`."""

    @njit
    def copy(d: int, chunk: int, chunks: int) -> None:
        rows, columns, channels = load_i64(d, f.ROWS), load_i64(d, f.COLUMNS), load_i64(d, f.CHANNELS)
        source_pixel, source_channel = load_i64(d, f.SOURCE_PIXEL), load_i64(d, f.SOURCE_CHANNEL)
        target_pixel, flip = load_i64(d, f.TARGET_PIXEL), load_i64(d, f.FLIP)
        dense = source_channel == 1 and source_pixel == channels and target_pixel == channels
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = load_i64(d, f.SOURCE) + row * load_i64(d, f.SOURCE_ROW)
            target = load_i64(d, f.TARGET) + row * load_i64(d, f.TARGET_ROW)
            if dense:
                _flip(target, source, columns * channels, flip)
            elif source_channel == 1:
                for column in range(columns):
                    _flip(target + column * target_pixel, source + column * source_pixel, channels, flip)
            else:
                for column in range(columns):
                    at = source + column * source_pixel
                    for channel in range(channels):
                        value = load_u8(at + channel * source_channel, 0) ^ flip
                        store_u8(target + column * target_pixel + channel, value)

    return copy


def make_border() -> Any:
    """Return border(descriptor, chunk, chunks); see `fields.move`."""

    @njit
    def border(d: int, chunk: int, chunks: int) -> None:
        rows, columns, pixel = (
            load_i64(d, f.FILL_ROWS),
            load_i64(d, f.FILL_COLUMNS),
            load_i64(d, f.FILL_PIXEL),
        )
        top, left = load_i64(d, f.FILL_TOP), load_i64(d, f.FILL_LEFT)
        bottom, right = load_i64(d, f.FILL_BOTTOM), load_i64(d, f.FILL_RIGHT)
        value = load_i64(d, f.FILL_VALUE)
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            line = load_i64(d, f.FILL_TARGET) + row * load_i64(d, f.FILL_ROW)
            if row < top or row >= rows - bottom:
                fill_bytes(line, value, columns * pixel)
            else:
                if left:
                    fill_bytes(line, value, left * pixel)
                if right:
                    fill_bytes(line + (columns - right) * pixel, value, right * pixel)

    return border


def make_reshape() -> Any:
    """Return reshape(descriptor, chunk, chunks); only chunk 0 works."""

    @njit
    def reshape(d: int, chunk: int, _chunks: int) -> None:
        if chunk > 0:
            return
        source_columns, source_channels = (
            load_i64(d, f.FLAT_SOURCE_COLUMNS),
            load_i64(d, f.FLAT_SOURCE_CHANNELS),
        )
        target_columns, target_channels = (
            load_i64(d, f.FLAT_TARGET_COLUMNS),
            load_i64(d, f.FLAT_TARGET_CHANNELS),
        )
        count, done = load_i64(d, f.FLAT_COUNT), 0
        while done < count:
            pixel, channel = done // source_channels, done % source_channels
            source = load_i64(d, f.FLAT_SOURCE) + (pixel // source_columns) * load_i64(d, f.FLAT_SOURCE_ROW)
            source += (pixel % source_columns) * load_i64(d, f.FLAT_SOURCE_PIXEL) + channel
            run = source_channels - channel
            pixel, channel = done // target_channels, done % target_channels
            target = load_i64(d, f.FLAT_TARGET) + (pixel // target_columns) * load_i64(d, f.FLAT_TARGET_ROW)
            target += (pixel % target_columns) * load_i64(d, f.FLAT_TARGET_PIXEL) + channel
            run = min(run, target_channels - channel)
            copy_bytes(target, source, run)
            done += run

    return reshape


def make_resize_nearest() -> Any:
    """Return resize_nearest(descriptor, chunk, chunks); see `fields.move`."""

    @njit
    def resize_nearest(d: int, chunk: int, chunks: int) -> None:
        rows, columns, width = (
            load_i64(d, f.NEAREST_ROWS),
            load_i64(d, f.NEAREST_COLUMNS),
            load_i64(d, f.NEAREST_WIDTH),
        )
        row_offsets, column_offsets = (
            load_i64(d, f.NEAREST_ROW_OFFSETS),
            load_i64(d, f.NEAREST_COLUMN_OFFSETS),
        )
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = load_i64(d, f.NEAREST_SOURCE) + load_i32(row_offsets, row)
            target = load_i64(d, f.NEAREST_TARGET) + row * load_i64(d, f.NEAREST_TARGET_ROW)
            for column in range(columns):
                _flip(target, source + load_i32(column_offsets, column), width, 0)
                target += load_i64(d, f.NEAREST_TARGET_PIXEL)

    return resize_nearest
