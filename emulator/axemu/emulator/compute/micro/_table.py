"""Tables of 256 bytes applied to vectors in registers, where the CPU can permute bytes across four registers."""

from __future__ import annotations

from llvmlite import ir

from ._isa import Isa
from ._numba import cgutils
from .ir import I8, Builder, Value, call, const, load, offset, shuffle, vector

ZMM = vector(I8, 64)


def look_up(isa: Isa, b: Builder, values: Value, table: Value) -> Value:
    """Return table[value] for each byte, or the bytes themselves when `table` is 0; without VBMI always the latter."""
    if not isa.byte_permute:
        return values
    result = cgutils.alloca_once_value(b, values)
    with b.if_then(b.icmp_unsigned("!=", table, const(0)), likely=False):
        b.store(permute(b, values, table), result)
    return b.load(result)


def permute(b: Builder, values: Value, table: Value) -> Value:
    """Return table[value] for up to 64 bytes."""
    count = values.type.count
    wide = values if count == 64 else shuffle(b, values, values, [n % count for n in range(64)])
    quarters = [load(b, offset(b, table, 64 * n), ZMM) for n in range(4)]
    name = "llvm.x86.avx512.vpermi2var.qi.512"
    low = call(b, name, ZMM, [quarters[0], wide, quarters[1]])
    high = call(b, name, ZMM, [quarters[2], wide, quarters[3]])
    found = b.select(b.icmp_signed("<", wide, ir.Constant(ZMM, [0] * 64)), high, low)
    return found if count == 64 else shuffle(b, found, found, range(count))
