"""From int32 accumulators to rounded integers, in the order of float32 steps that the numerics fixes.

Nothing here may be fused or reordered: no fast-math flags, no multiply-add contraction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llvmlite import ir

from axemu.emulator.compute._scalars import Epilogue

from ._arguments import ScalarReader
from ._isa import Isa
from .ir import F32, I8, I32, Builder, Value, call, const_vector, load, offset, splat, vector


@dataclass(frozen=True, slots=True)
class Constants:
    """Values of one panel in registers: per-channel vectors by role, the scalars broadcast."""

    roles: tuple[tuple[Value, ...], ...]
    inverse: Value
    zero: Value
    shift: Value
    low: Value
    high: Value


@dataclass(frozen=True)
class Requantise:
    """The epilogue of convolutions in one numerics.

    `exact`: float(acc) · multiplier, rounded; the zero point is added to the integer.
    `metis`: f18(f18(float(acc)) + bias) − offset, · scale, · 1/scale_out, + zero point, rounded; `folded`, where it is
    proved to give the same bytes (`ops.conv._fold`): f18(f18(float(acc)) + bias) · factor + addend, fused.
    """

    numerics: str
    folded: bool = False

    @property
    def role_count(self) -> int:
        """Number of float32 constants per channel."""
        return 1 if self.numerics == "exact" else 3

    def in_each_form(
        self, isa: Isa, b: Builder, channels: Value, vectors: int, body: Callable[[Requantise], None]
    ) -> None:
        """Emit what `body` emits for each form, and the choice between them by what follows the constants of a panel."""
        if self.numerics == "exact" or not isa.spec.fused:
            body(self)
            return
        marked = load(b, offset(b, channels, 4 * isa.lanes * vectors * self.role_count), I32)
        folded = b.icmp_unsigned("!=", marked, ir.Constant(I32, 0))
        with b.if_else(folded) as (short, long):
            with short:
                body(replace(self, folded=True))
            with long:
                body(self)

    def load(self, isa: Isa, b: Builder, channels: Value, scalars: Value, vectors: int) -> Constants:
        """Load the constants of a panel; `scalars` is the address of an `Epilogue`."""
        floats = vector(F32, isa.lanes)
        roles = tuple(
            tuple(
                load(b, offset(b, channels, 4 * isa.lanes * (role * vectors + n)), floats)
                for n in range(vectors)
            )
            for role in range(self.role_count)
        )

        of = ScalarReader(Epilogue, b, scalars)
        inverse, zero = (splat(b, scalar, isa.lanes) for scalar in (of.inverse, of.zero))
        low, high = (b.trunc(scalar, I8) for scalar in (of.low_byte, of.high_byte))
        return Constants(roles, inverse, zero, of.shift, low, high)

    def apply(self, isa: Isa, b: Builder, constants: Constants, n: int, total: Value) -> Value:
        """Return the rounded int32 values of vector `n`, before `shift` is added and the result saturated."""
        value = b.sitofp(total, vector(F32, isa.lanes))
        if self.numerics == "exact":
            value = b.fmul(value, constants.roles[0][n])
        else:
            bias, second, third = (role[n] for role in constants.roles)
            value = shortened(isa, b, b.fadd(shortened(isa, b, value), bias))
            if self.folded:
                value = call(b, f"llvm.fma.v{isa.lanes}f32", value.type, [value, second, third])
            else:
                value = b.fmul(b.fmul(b.fsub(value, second), third), constants.inverse)
                value = b.fadd(value, constants.zero)
        return isa.round_to_int(b, value)


def shortened(isa: Isa, b: Builder, values: Value) -> Value:
    """Round float lanes to 11 significant bits, to nearest even, in the shortest way; subnormal numbers may stay as they are."""
    return (round_f18_fused if isa.spec.fused else round_f18)(b, values)


def round_f18(b: Builder, values: Value) -> Value:
    """Round float lanes to 11 significant bits, to nearest even, on their bit patterns."""
    lanes = values.type.count
    bits = b.bitcast(values, vector(I32, lanes))
    odd = b.and_(b.lshr(bits, const_vector(I32, lanes, 13)), const_vector(I32, lanes, 1))
    moved = b.add(b.add(bits, const_vector(I32, lanes, 0xFFF)), odd)
    kept = b.and_(moved, const_vector(I32, lanes, -0x2000))
    return b.bitcast(kept, values.type)


def round_f18_fused(b: Builder, values: Value) -> Value:
    """Round float lanes to 11 significant bits with two fused multiply-adds.

    With p = ±2**e, the sign and exponent of x, the sum x + 2**13 · p has steps of 2**(e - 10): rounding it once is
    rounding x to 11 bits, to nearest even, and taking 2**13 · p away again is exact. Not for subnormal numbers, which
    have no such p; sums of an integer and a bias that is itself rounded are never those unless they are the bias.
    """
    lanes = values.type.count
    bits = b.and_(b.bitcast(values, vector(I32, lanes)), const_vector(I32, lanes, -0x800000))
    power = b.bitcast(bits, values.type)
    name = f"llvm.fma.v{lanes}f32"
    far = call(b, name, values.type, [power, const_vector(F32, lanes, 8192.0), values])
    return call(b, name, values.type, [power, const_vector(F32, lanes, -8192.0), far])
