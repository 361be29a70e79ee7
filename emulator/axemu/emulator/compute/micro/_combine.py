"""Two runs of stored bytes combined into one: whole registers first, then blocks of sixteen.

Bytes are widened by interleaving with zero and narrowed by packing; both work within 16-byte lanes, so that the order
of the channels comes back by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute._scalars import Pair

from . import block
from ._arguments import ScalarReader
from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._numba import cgutils
from ._requantise import round_f18, round_f18_fused
from ._tile import within
from .ir import F32, I8, I32, Builder, Value, call, const, load, shuffle, splat, store, vector

Formula = Callable[..., Value]

METHODS = {"add": "fadd", "sub": "fsub", "mul": "fmul"}


def make_combine(isa: Isa, numerics: str, operation: str, *, splat_right: bool) -> Any:
    """Return combine(left, right, output, count, scalars) over `count` bytes, a multiple of 16.

    With `splat_right` the right operand is one byte.
    """

    def emit(b: Builder, left: Value, right: Value, output: Value, count: Value, scalars: Value) -> None:
        of = ScalarReader(Pair, b, scalars)
        size = 4 * isa.lanes
        whole = b.udiv(count, const(size)) if isa.spec.fused else const(0)
        if isa.spec.fused:
            wide = _Scalars.load(b, of, isa.lanes)

            def sweep(formula: Formula) -> None:
                with cgutils.for_range(b, whole) as loop:
                    at = b.mul(loop.index, const(size))
                    lefts = _widen(b, load(b, b.add(left, at), vector(I8, size)), isa.lanes)
                    if splat_right:
                        rights = [splat(b, b.zext(load(b, right, I8), I32), isa.lanes)] * 4
                    else:
                        rights = _widen(b, load(b, b.add(right, at), vector(I8, size)), isa.lanes)
                    values = [
                        formula(isa, b, operation, wide, *pair) for pair in zip(lefts, rights, strict=True)
                    ]
                    packed = within(b, isa.pack(b, values, wide.shift), wide.low_byte, wide.high_byte)
                    store(b, packed, b.add(output, at))

            short, full, known = _formulas(isa, numerics, operation, wide)
            if known is None:
                sweep(full)
            else:
                with b.if_else(known) as (proven, unproven):
                    with proven:
                        sweep(short)
                    with unproven:
                        sweep(full)
        done = b.mul(whole, const(size))
        narrow = _Scalars.load(b, of, block.LANES)

        def body(rest: Value) -> None:
            at = b.add(done, rest)
            one = block.load_block(b, b.add(left, at))
            other = splat(b, b.zext(load(b, right, I8), I32), block.LANES)
            if not splat_right:
                other = block.load_block(b, b.add(right, at))
            real = _combined(b, operation, narrow, one, other)
            if numerics == "metis":
                real = round_f18(b, real)
            block.store_block(b, block.quantise(b, numerics, real, of), b.add(output, at))

        block.for_blocks(b, b.sub(count, done), body)

    return intrinsic_of(emit)


@dataclass(frozen=True, slots=True)
class _Scalars:
    """The scalars of a `Pair`: floats and zero points one per lane."""

    left_zero: Value
    left_scale: Value
    right_zero: Value
    right_scale: Value
    right_start: Value
    exact_products: Value
    inverse: Value
    divisor: Value
    proven: Value
    zero: Value
    cap: Value
    shift: Value
    low_byte: Value
    high_byte: Value
    linear: Value
    linear_left: Value
    linear_right: Value
    linear_start: Value

    @classmethod
    def load(cls, b: Builder, of: ScalarReader, lanes: int) -> _Scalars:
        def every(scalar: Value) -> Value:
            return splat(b, scalar, lanes)

        def whether(scalar: Value) -> Value:
            return b.icmp_unsigned("!=", scalar, llvm.Constant(I32, 0))

        return cls(
            left_zero=every(of.left_zero),
            left_scale=every(of.left_scale),
            right_zero=every(of.right_zero),
            right_scale=every(of.right_scale),
            right_start=every(of.right_start),
            exact_products=whether(of.exact_products),
            inverse=every(of.inverse),
            divisor=every(of.divisor),
            proven=whether(of.proven),
            zero=every(of.zero),
            cap=every(of.high),
            shift=of.shift,
            low_byte=b.trunc(of.low_byte, I8),
            high_byte=b.trunc(of.high_byte, I8),
            linear=whether(of.linear),
            linear_left=every(of.linear_left),
            linear_right=every(of.linear_right),
            linear_start=every(of.linear_start),
        )


def _formulas(
    isa: Isa, numerics: str, operation: str, scalars: _Scalars
) -> tuple[Formula, Formula, Value | None]:
    """Return a short formula, the one that always holds, and what says at run time whether the short one does."""
    if numerics == "metis":
        return _metis_fused, _metis, scalars.exact_products if isa.spec.fused else None
    return _linear, _exact, scalars.linear if isa.spec.fused and operation != "mul" else None


def _widen(b: Builder, stored: Value, lanes: int) -> list[Value]:
    """Return four int32 vectors; vector n holds bytes 16j + 4n + q."""
    size = 4 * lanes
    zeros = llvm.Constant(stored.type, [0] * size)
    integers = vector(I32, lanes)
    result = []
    for n in range(4):
        indices = []
        for lane in range(lanes):
            indices += [16 * (lane // 4) + 4 * n + lane % 4, size, size, size]
        result.append(b.bitcast(shuffle(b, stored, zeros, indices), integers))
    return result


def _combined(b: Builder, operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    floats = vector(F32, left.type.count)
    first = b.fmul(b.sitofp(b.sub(left, c.left_zero), floats), c.left_scale)
    second = b.fmul(b.sitofp(b.sub(right, c.right_zero), floats), c.right_scale)
    return getattr(b, METHODS[operation])(first, second)


def _metis(isa: Isa, b: Builder, operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    """Return the rounded int32 lanes, before the shift is added."""
    real = round_f18(b, _combined(b, operation, c, left, right))
    return _capped(isa, b, c, b.fadd(b.fmul(real, c.inverse), c.zero))


def _metis_fused(isa: Isa, b: Builder, operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    """As `_metis`, where products with the scales are exact."""
    real = round_f18_fused(b, _combined_fused(b, operation, c, left, right))
    return _capped(isa, b, c, b.fadd(b.fmul(real, c.inverse), c.zero))


def _exact(isa: Isa, b: Builder, operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    """As `_metis`, in exact numerics."""
    real = _combined(b, operation, c, left, right)
    result = cgutils.alloca_once(b, real.type)
    with b.if_else(c.proven) as (multiply, divide):
        with multiply:
            b.store(b.fmul(real, c.inverse), result)
        with divide:
            b.store(b.fdiv(real, c.divisor), result)
    return _capped(isa, b, c, b.load(result))


def _linear(isa: Isa, b: Builder, _operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    """As `_exact` where `ops.elementwise` has found that two fused multiply-adds give the same bytes."""
    floats = vector(F32, isa.lanes)
    fma = f"llvm.fma.v{isa.lanes}f32"
    inner = call(b, fma, floats, [b.sitofp(right, floats), c.linear_right, c.linear_start])
    return isa.round_to_int(b, call(b, fma, floats, [b.sitofp(left, floats), c.linear_left, inner]))


def _capped(isa: Isa, b: Builder, c: _Scalars, scaled: Value) -> Value:
    """Round; results too large for int32 must stay large."""
    return isa.round_to_int(b, b.select(b.fcmp_ordered("<", c.cap, scaled), c.cap, scaled))


def _combined_fused(b: Builder, operation: str, c: _Scalars, left: Value, right: Value) -> Value:
    """Combine operands whose products with their scales are exact: fusing such a product rounds as adding it does.

    A scale has 11 significant bits and q - zero point at most 13 (`ops.elementwise` sees to that).
    """
    floats = vector(F32, left.type.count)
    fma = f"llvm.fma.v{left.type.count}f32"
    first = b.sitofp(b.sub(left, c.left_zero), floats)
    second = call(b, fma, floats, [b.sitofp(right, floats), c.right_scale, c.right_start])
    if operation == "mul":
        return b.fmul(b.fmul(first, c.left_scale), second)
    if operation == "sub":
        second = b.fneg(second)
    return call(b, fma, floats, [first, c.left_scale, second])
