"""Convolution plus another tensor: one pixel and sixteen channels at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.micro import ScalarReader, block, cgutils, intrinsic_of, load_i32, njit, reader
from axemu.emulator.compute.micro.ir import I8, I32, I64, Builder, Value, const, load, offset, splat

from .arguments import ConvAdd

arguments_at = reader(ConvAdd)

VECTOR = 4 * block.LANES
"""Bytes of sixteen int32 or float32."""


class Place(NamedTuple):
    """One pixel and sixteen of its channels; all but the counts are addresses."""

    source: Value
    taps: Value
    """int32 offsets from `source`."""
    tap_count: Value
    depth: Value
    weights: Value
    constants: Value
    other: Value
    output: Value
    scalars: Value
    """A `Single`, of the other tensor."""


def make_conv_add(numerics: str) -> Any:
    """Return conv_add(arguments, chunk, chunks); see `ConvAdd`."""

    def emit(b: Builder, place: Place) -> None:
        total = cgutils.alloca_once(b, block.INTEGERS)
        b.store(load(b, place.constants, block.INTEGERS), total)
        stride = b.mul(place.depth, const(block.LANES))
        with cgutils.for_range(b, place.tap_count) as tap:
            at = load(b, b.add(place.taps, b.mul(tap.index, const(4))), I32)
            source = b.add(place.source, b.sext(at, I64))
            weights = b.add(place.weights, b.mul(tap.index, stride))
            with cgutils.for_range(b, place.depth) as channel:
                byte = b.zext(load(b, b.add(source, channel.index), I8), I32)
                row = load(b, b.add(weights, b.mul(channel.index, const(block.LANES))), block.BYTES)
                product = b.mul(splat(b, byte, block.LANES), b.sext(row, block.INTEGERS))
                b.store(b.add(b.load(total), product), total)
        scalars = ScalarReader(Single, b, place.scalars)
        roles = [load(b, offset(b, place.constants, VECTOR * n), block.FLOATS) for n in (1, 2, 3)]
        value = b.sitofp(b.load(total), block.FLOATS)
        stored = b.sub(block.load_block(b, place.other), block.every(b, scalars.input_zero))
        added = b.fmul(b.sitofp(stored, block.FLOATS), block.every(b, scalars.input_scale))
        if numerics == "exact":
            scaled = b.fadd(b.fmul(value, roles[0]), added)
            packed = block.finish(b, numerics, scaled, scalars)
        else:
            bias, centre, scale = roles
            value = block.round_f18(b, b.fadd(block.round_f18(b, value), bias))
            real = b.fadd(b.fmul(b.fsub(value, centre), scale), added)
            packed = block.quantise(b, numerics, block.round_f18(b, real), scalars)
        block.store_block(b, packed, place.output)

    sum_block = intrinsic_of(emit)

    @njit
    def conv_add(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        lanes = 16
        block_weights = a.tap_count * a.depth * lanes
        for pixel in range(a.count * chunk // chunks, a.count * (chunk + 1) // chunks):
            source = a.input + load_i32(a.pixels, pixel)
            other = a.other + load_i32(a.other_offsets, pixel)
            output = a.output + load_i32(a.offsets, pixel)
            for number in range(a.blocks):
                place = Place(
                    source=source,
                    taps=a.taps,
                    tap_count=a.tap_count,
                    depth=a.depth,
                    weights=a.weights + number * block_weights,
                    constants=a.constants + number * 4 * 4 * lanes,
                    other=other + number * lanes,
                    output=output + number * lanes,
                    scalars=a.scalars,
                )
                sum_block(place)

    return conv_add
