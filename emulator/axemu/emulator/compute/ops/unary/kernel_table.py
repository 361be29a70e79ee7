"""Functions of one stored byte, as tables."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.micro import (
    Isa,
    call_range,
    cgutils,
    intrinsic_of,
    load_i32,
    load_u8,
    njit,
    permute,
    reader,
    store_u8,
)
from axemu.emulator.compute.micro.ir import I8, Builder, Value, const, load, store, vector

from .arguments import Table

arguments_at = reader(Table)


def make_lut(isa: Isa) -> Any:
    """Return lut(arguments, first, last, channel, channel_end): one table for all channels."""
    translate = intrinsic_of(_permute_run) if isa.byte_permute else _translate_bytes

    @njit
    def lut(address: int, first: int, last: int, channel: int, channel_end: int) -> None:
        a = arguments_at(address)
        table, dense = a.table, a.dense
        if dense and channel_end - channel == dense:
            source, output = a.input + first * dense, a.output + first * dense
            translate(source, output, (last - first) * dense, table)
        else:
            sources, offsets = a.input_offsets, a.offsets
            for pixel in range(first, last):
                source = a.input + load_i32(sources, pixel) + channel
                output = a.output + load_i32(offsets, pixel) + channel
                translate(source, output, channel_end - channel, table)
        if a.after:
            call_range(a.after, a.after_arguments, first, last, channel, channel_end)

    return lut


@njit
def _translate_bytes(source: int, output: int, count: int, table: int) -> None:
    for index in range(count):
        store_u8(output + index, load_u8(table, load_u8(source, index)))


def _permute_run(b: Builder, source: Value, output: Value, count: Value, table: Value) -> None:
    """Emit whole registers, then blocks of 16 bytes."""
    whole = b.udiv(count, const(64))
    for size, first, blocks in (
        (64, const(0), whole),
        (16, b.mul(whole, const(64)), b.udiv(b.urem(count, const(64)), const(16))),
    ):
        with cgutils.for_range(b, blocks) as loop:
            at = b.add(first, b.mul(loop.index, const(size)))
            values = load(b, b.add(source, at), vector(I8, size))
            store(b, permute(b, values, table), b.add(output, at))


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
