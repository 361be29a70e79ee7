"""Functions of one stored byte, as tables."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.micro import (
    Isa,
    call_range,
    has_shuffles,
    intrinsic_of,
    load_i32,
    load_u8,
    njit,
    reader,
    run_end,
    store_u8,
    translate_run,
)
from axemu.emulator.compute.micro.ir import Builder, Value

from .arguments import Table

arguments_at = reader(Table)


def make_lut(isa: Isa) -> Any:
    """Return lut(arguments, first, last, channel, channel_end): one table for all channels."""

    def emit(b: Builder, source: Value, output: Value, count: Value, table: Value) -> None:
        translate_run(isa, b, source, output, count, table)

    translate = intrinsic_of(emit) if has_shuffles(isa) else _translate_bytes

    @njit
    def lut(address: int, first: int, last: int, channel: int, channel_end: int) -> None:
        a = arguments_at(address)
        table, dense = a.table, a.dense
        if dense and channel_end - channel == dense:
            source, output = a.input + first * dense, a.output + first * dense
            translate(source, output, (last - first) * dense, table)
        else:
            sources, offsets, width = a.input_offsets, a.offsets, channel_end - channel
            pixel = first
            while pixel < last:
                end = run_end(sources, sources, offsets, pixel, last, width)
                source = a.input + load_i32(sources, pixel) + channel
                output = a.output + load_i32(offsets, pixel) + channel
                translate(source, output, (end - pixel) * width, table)
                pixel = end
        if a.after:
            call_range(a.after, a.after_arguments, first, last, channel, channel_end)

    return lut


@njit
def _translate_bytes(source: int, output: int, count: int, table: int) -> None:
    for index in range(count):
        store_u8(output + index, load_u8(table, load_u8(source, index)))


def make_lut_by_channel() -> Any:
    """Return lut_by_channel(arguments, first, last, channel, channel_end): one table per channel."""

    @njit
    def lut_by_channel(address: int, first: int, last: int, channel: int, channel_end: int) -> None:
        a = arguments_at(address)
        sources, offsets, table = a.input_offsets, a.offsets, a.table
        for pixel in range(first, last):
            source = a.input + load_i32(sources, pixel)
            output = a.output + load_i32(offsets, pixel)
            for index in range(channel, channel_end):
                store_u8(output + index, load_u8(table + 256 * index, load_u8(source, index)))
        if a.after:
            call_range(a.after, a.after_arguments, first, last, channel, channel_end)

    return lut_by_channel
