"""Moving bytes between tensors of any layout, and filling borders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axemu.emulator.compute.micro import (
    Isa,
    Source,
    block,
    cgutils,
    copy_bytes,
    fill_bytes,
    intrinsic_of,
    load_i32,
    load_u8,
    njit,
    reader,
    sources,
    store_u8,
)
from axemu.emulator.compute.micro.ir import I8, Builder, Value, const, load, splat, store

from .arguments import BORDER, COPY, RESHAPE, RESIZE_NEAREST, Border, Copy, Reshape, ResizeNearest

copy_at, border_at, reshape_at, nearest_at = (reader(kind) for kind in (Copy, Border, Reshape, ResizeNearest))


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
    """Return copy(arguments, chunk, chunks); see `Copy`."""

    @njit
    def copy(address: int, chunk: int, chunks: int) -> None:
        a = copy_at(address)
        rows, columns, channels = a.rows, a.columns, a.channels
        source_pixel, source_channel = a.source_pixel, a.source_channel
        target_pixel, flip = a.target_pixel, a.flip
        dense = source_channel == 1 and source_pixel == channels and target_pixel == channels
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = a.source + row * a.source_row
            target = a.target + row * a.target_row
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
    """Return border(arguments, chunk, chunks); see `Border`."""

    @njit
    def border(address: int, chunk: int, chunks: int) -> None:
        a = border_at(address)
        rows, columns, pixel = a.rows, a.columns, a.pixel
        top, left = a.top, a.left
        bottom, right = a.bottom, a.right
        value = a.value
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            line = a.target + row * a.row
            if row < top or row >= rows - bottom:
                fill_bytes(line, value, columns * pixel)
            else:
                if left:
                    fill_bytes(line, value, left * pixel)
                if right:
                    fill_bytes(line + (columns - right) * pixel, value, right * pixel)

    return border


def make_reshape() -> Any:
    """Return reshape(arguments, chunk, chunks); only chunk 0 works."""

    @njit
    def reshape(address: int, chunk: int, _chunks: int) -> None:
        if chunk > 0:
            return
        a = reshape_at(address)
        source_columns, source_channels = a.source_columns, a.source_channels
        target_columns, target_channels = a.target_columns, a.target_channels
        count, done = a.count, 0
        while done < count:
            pixel, channel = done // source_channels, done % source_channels
            source = a.source + (pixel // source_columns) * a.source_row
            source += (pixel % source_columns) * a.source_pixel + channel
            run = source_channels - channel
            pixel, channel = done // target_channels, done % target_channels
            target = a.target + (pixel // target_columns) * a.target_row
            target += (pixel % target_columns) * a.target_pixel + channel
            run = min(run, target_channels - channel)
            copy_bytes(target, source, run)
            done += run

    return reshape


def make_resize_nearest() -> Any:
    """Return resize_nearest(arguments, chunk, chunks); see `ResizeNearest`."""

    @njit
    def resize_nearest(address: int, chunk: int, chunks: int) -> None:
        a = nearest_at(address)
        rows, columns, width = a.rows, a.columns, a.width
        row_offsets, column_offsets = a.row_offsets, a.column_offsets
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            source = a.source + load_i32(row_offsets, row)
            target = a.target + row * a.target_row
            for column in range(columns):
                _flip(target, source + load_i32(column_offsets, column), width, 0)
                target += a.target_pixel

    return resize_nearest


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(COPY, make_copy)
    yield from sources(BORDER, make_border)
    yield from sources(RESHAPE, make_reshape)
    yield from sources(RESIZE_NEAREST, make_resize_nearest)
