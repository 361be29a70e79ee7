"""Softmax with an integer table of the exponential; integer sums do not depend on their order."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import softmax as f
from axemu.emulator.compute.micro import block, intrinsic_of, load_i32, load_i64, load_u8, njit, store_i32
from axemu.emulator.compute.micro.ir import Builder, Value, const, load, splat


def make_softmax(numerics: str) -> Any:
    """Return softmax(descriptor, chunk, chunks); see `fields.softmax`."""

    def emit(b: Builder, terms: Value, total: Value, output: Value, width: Value, scalars: Value) -> None:
        whole = splat(b, b.sitofp(total, block.FLOATS.element), block.LANES)
        one = splat(b, block.FLOATS.element(1.0), block.LANES)
        inverse = block.round_f18(b, b.fdiv(one, whole))

        def body(at: Value) -> None:
            value = b.sitofp(load(b, b.add(terms, b.mul(at, const(4))), block.INTEGERS), block.FLOATS)
            if numerics == "metis":
                share = block.round_f18(b, b.fmul(block.round_f18(b, value), inverse))
            else:
                share = b.fdiv(value, whole)
            block.store_block(b, block.quantise(b, numerics, share, scalars), b.add(output, at))

        block.for_blocks(b, width, body)

    shares = intrinsic_of(emit)

    @njit
    def softmax(d: int, chunk: int, chunks: int) -> None:
        pixels, channels, table = load_i64(d, f.PIXELS), load_i64(d, f.CHANNELS), load_i64(d, f.TABLE)
        width = (channels + 15) // 16 * 16
        terms = load_i64(d, f.TERMS) + 4 * width * chunk
        for pixel in range(pixels * chunk // chunks, pixels * (chunk + 1) // chunks):
            source = load_i64(d, f.INPUT) + load_i32(load_i64(d, f.INPUT_PLACES), pixel)
            output = load_i64(d, f.OUTPUT) + load_i32(load_i64(d, f.PLACES), pixel)
            largest = 0
            for channel in range(channels):
                largest = max(largest, load_u8(source, channel))
            total = 0
            for channel in range(channels):
                term = load_i32(table, largest - load_u8(source, channel))
                store_i32(terms + 4 * channel, term)
                total += term
            shares(terms, total, output, width, load_i64(d, f.SCALARS))

    return softmax
