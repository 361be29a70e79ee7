"""Sixteen channels at a time: widening, the float steps back to bytes, and loops over the channels of a pixel.

Written as 16-lane vectors for every instruction set; LLVM splits them where registers are shorter.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ._arguments import ScalarReader
from ._isa import ROUND_MAGIC, ROUND_MAGIC_BITS
from ._numba import cgutils
from ._requantise import round_f18
from .ir import F32, I8, I32, Builder, Value, const, const_vector, load, splat, store, vector

__all__ = [
    "BYTES",
    "FLOATS",
    "INTEGERS",
    "LANES",
    "bounded",
    "every",
    "finish",
    "for_blocks",
    "load_block",
    "quantise",
    "round_f18",
    "rounded",
    "store_block",
]

LANES = 16
BYTES = vector(I8, LANES)
INTEGERS = vector(I32, LANES)
FLOATS = vector(F32, LANES)


def load_block(b: Builder, address: Value) -> Value:
    """Load 16 stored bytes as int32 lanes."""
    return b.zext(load(b, address, BYTES), INTEGERS)


def every(b: Builder, scalar: Value) -> Value:
    """Return a scalar in every lane."""
    return splat(b, scalar, LANES)


def rounded(b: Builder, values: Value) -> Value:
    """Round |x| < 2**22 to int32, to nearest even."""
    moved = b.fadd(values, const_vector(F32, LANES, ROUND_MAGIC))
    return b.sub(b.bitcast(moved, INTEGERS), const_vector(I32, LANES, ROUND_MAGIC_BITS))


def bounded(b: Builder, values: Value, low: Value, high: Value) -> Value:
    """Clamp float lanes."""
    values = b.select(b.fcmp_ordered("<", values, low), low, values)
    return b.select(b.fcmp_ordered(">", values, high), high, values)


def finish(b: Builder, numerics: str, scaled: Value, scalars: ScalarReader) -> Value:
    """Return the stored bytes of values already divided by the output scale."""
    if numerics == "metis":
        scaled = b.fadd(scaled, every(b, scalars.zero))
    scaled = bounded(b, scaled, every(b, scalars.low), every(b, scalars.high))
    return b.trunc(b.add(rounded(b, scaled), every(b, scalars.shift)), BYTES)


def quantise(b: Builder, numerics: str, real: Value, scalars: ScalarReader) -> Value:
    """Return the stored bytes of real values: a division in `exact`, a reciprocal in `metis`; `scalars` are `Quantise`."""
    if numerics == "metis":
        return finish(b, numerics, b.fmul(real, every(b, scalars.inverse)), scalars)
    scaled = cgutils.alloca_once(b, FLOATS)
    proven = scalars.proven
    with b.if_else(b.icmp_unsigned("!=", proven, ir.Constant(I32, 0))) as (multiply, divide):
        with multiply:
            b.store(b.fmul(real, every(b, scalars.inverse)), scaled)
        with divide:
            b.store(b.fdiv(real, every(b, scalars.divisor)), scaled)
    return finish(b, numerics, b.load(scaled), scalars)


def for_blocks(b: Builder, count: Value, body: Callable[[Value], None]) -> None:
    """Emit a loop over `count` bytes in steps of 16; `body` gets the byte offset."""
    with cgutils.for_range(b, b.udiv(count, const(LANES))) as loop:
        body(b.mul(loop.index, const(LANES)))


def store_block(b: Builder, value: Value, address: Value) -> None:
    """Store 16 bytes."""
    store(b, value, address)
