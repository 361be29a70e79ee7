"""Softmax with an integer table of the exponential; integer sums do not depend on their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axemu.emulator.compute._scalars import Quantise
from axemu.emulator.compute.micro import (
    Isa,
    ScalarReader,
    Source,
    block,
    intrinsic_of,
    load_i32,
    load_u8,
    njit,
    reader,
    sources,
    store_i32,
)
from axemu.emulator.compute.micro.ir import Builder, Value, const, load, splat

from .arguments import SOFTMAX, Softmax

arguments_at = reader(Softmax)


def make_softmax(numerics: str) -> Any:
    """Return softmax(arguments, chunk, chunks); see `Softmax`."""

    def emit(b: Builder, terms: Value, total: Value, output: Value, width: Value, scalars: Value) -> None:
        of = ScalarReader(Quantise, b, scalars)
        whole = splat(b, b.sitofp(total, block.FLOATS.element), block.LANES)
        one = splat(b, block.FLOATS.element(1.0), block.LANES)
        inverse = block.round_f18(b, b.fdiv(one, whole))

        def body(at: Value) -> None:
            value = b.sitofp(load(b, b.add(terms, b.mul(at, const(4))), block.INTEGERS), block.FLOATS)
            if numerics == "metis":
                share = block.round_f18(b, b.fmul(block.round_f18(b, value), inverse))
            else:
                share = b.fdiv(value, whole)
            block.store_block(b, block.quantise(b, numerics, share, of), b.add(output, at))

        block.for_blocks(b, width, body)

    shares = intrinsic_of(emit)

    @njit
    def softmax(address: int, chunk: int, chunks: int) -> None:
        a = arguments_at(address)
        pixels, channels, table = a.pixels, a.channels, a.table
        width = (channels + 15) // 16 * 16
        terms = a.terms + 4 * width * chunk
        for pixel in range(pixels * chunk // chunks, pixels * (chunk + 1) // chunks):
            source = a.input + load_i32(a.input_offsets, pixel)
            output = a.output + load_i32(a.offsets, pixel)
            largest = 0
            for channel in range(channels):
                largest = max(largest, load_u8(source, channel))
            total = 0
            for channel in range(channels):
                term = load_i32(table, largest - load_u8(source, channel))
                store_i32(terms + 4 * channel, term)
                total += term
            shares(terms, total, output, width, a.scalars)

    return softmax


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(SOFTMAX, make_softmax)
