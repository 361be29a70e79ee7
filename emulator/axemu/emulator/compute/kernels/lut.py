"""Functions of one stored byte, as tables."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import table as f
from axemu.emulator.compute.micro import (
    Isa,
    call_range,
    cgutils,
    intrinsic_of,
    load_i32,
    load_i64,
    load_u8,
    njit,
    permute,
    store_u8,
)
from axemu.emulator.compute.micro.ir import I8, Builder, Value, const, load, store, vector


def make_lut(isa: Isa) -> Any:
    """Return lut(descriptor, first, last, channel, channel_end): one table for all channels."""
    translate = intrinsic_of(_permute_run) if isa.byte_permute else _translate_bytes

    @njit
    def lut(d: int, first: int, last: int, channel: int, channel_end: int) -> None:
        table, dense = load_i64(d, f.TABLE), load_i64(d, f.DENSE)
        if dense and channel_end - channel == dense:
            source, output = load_i64(d, f.INPUT) + first * dense, load_i64(d, f.OUTPUT) + first * dense
            translate(source, output, (last - first) * dense, table)
        else:
            sources, places = load_i64(d, f.INPUT_PLACES), load_i64(d, f.PLACES)
            for pixel in range(first, last):
                source = load_i64(d, f.INPUT) + load_i32(sources, pixel) + channel
                output = load_i64(d, f.OUTPUT) + load_i32(places, pixel) + channel
                translate(source, output, channel_end - channel, table)
        if load_i64(d, f.NEXT):
            call_range(load_i64(d, f.NEXT), load_i64(d, f.NEXT_DESCRIPTOR), first, last, channel, channel_end)

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
    """Return lut_by_channel(descriptor, first, last, channel, channel_end): one table per channel."""

    @njit
    def lut_by_channel(d: int, first: int, last: int, channel: int, channel_end: int) -> None:
        sources, places, table = load_i64(d, f.INPUT_PLACES), load_i64(d, f.PLACES), load_i64(d, f.TABLE)
        for pixel in range(first, last):
            source = load_i64(d, f.INPUT) + load_i32(sources, pixel)
            output = load_i64(d, f.OUTPUT) + load_i32(places, pixel)
            for index in range(channel, channel_end):
                store_u8(output + index, load_u8(table + 256 * index, load_u8(source, index)))
        if load_i64(d, f.NEXT):
            call_range(load_i64(d, f.NEXT), load_i64(d, f.NEXT_DESCRIPTOR), first, last, channel, channel_end)

    return lut_by_channel
