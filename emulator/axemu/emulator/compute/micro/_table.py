"""Tables of 256 bytes applied to vectors in registers.

Where the CPU can permute bytes across four registers (AVX512-VBMI) that is two permutations and a choice. With AVX2 it is sixteen
shuffles, each of a sixteenth of the table by the low four bits, of which the high four bits choose one.
"""

from __future__ import annotations

from llvmlite import ir

from ._isa import Isa
from ._numba import cgutils
from .ir import I8, I16, Builder, Value, call, const, const_vector, load, offset, shuffle, store, vector

ZMM = vector(I8, 64)
YMM = vector(I8, 32)
SIXTEENTH = vector(I8, 16)


def has_shuffles(isa: Isa) -> bool:
    """Return whether runs of bytes can be looked up in registers."""
    return isa.lanes >= 8


def look_up(isa: Isa, b: Builder, values: Value, table: Value) -> Value:
    """Return table[value] for each byte, or the bytes themselves when `table` is 0; without VBMI always the latter."""
    if not isa.byte_permute:
        return values
    result = cgutils.alloca_once_value(b, values)
    with b.if_then(b.icmp_unsigned("!=", table, const(0)), likely=False):
        b.store(_permuted(b, values, table), result)
    return b.load(result)


def translate_run(isa: Isa, b: Builder, source: Value, output: Value, count: Value, table: Value) -> None:
    """Emit the translation of `count` bytes, a multiple of 16: whole registers, then blocks of 16."""
    size, translated = (64, _permuted) if isa.byte_permute else (32, _shuffled)
    whole = b.udiv(count, const(size))
    for step, first, blocks in (
        (size, const(0), whole),
        (16, b.mul(whole, const(size)), b.udiv(b.urem(count, const(size)), const(16))),
    ):
        with cgutils.for_range(b, blocks) as loop:
            at = b.add(first, b.mul(loop.index, const(step)))
            values = load(b, b.add(source, at), vector(I8, step))
            store(b, translated(b, values, table), b.add(output, at))


def _permuted(b: Builder, values: Value, table: Value) -> Value:
    """Return table[value] for up to 64 bytes."""
    count = values.type.count
    wide = values if count == 64 else shuffle(b, values, values, [n % count for n in range(64)])
    quarters = [load(b, offset(b, table, 64 * n), ZMM) for n in range(4)]
    name = "llvm.x86.avx512.vpermi2var.qi.512"
    low = call(b, name, ZMM, [quarters[0], wide, quarters[1]])
    high = call(b, name, ZMM, [quarters[2], wide, quarters[3]])
    found = b.select(b.icmp_signed("<", wide, ir.Constant(ZMM, [0] * 64)), high, low)
    return found if count == 64 else shuffle(b, found, found, range(count))


def _shuffled(b: Builder, values: Value, table: Value) -> Value:
    """Return table[value] for up to 32 bytes."""
    count = values.type.count
    wide = values if count == 32 else shuffle(b, values, values, [n % count for n in range(32)])
    low = b.and_(wide, const_vector(I8, 32, 15))
    words = b.bitcast(wide, vector(I16, 16))
    # Bit 4 + n of each byte, moved to its highest bit, by which the instruction chooses.
    choices = [b.bitcast(b.shl(words, const_vector(I16, 16, 3 - n)), YMM) for n in range(4)]

    def found(first: int, bits: int) -> Value:
        """Return the entry of the sixteenths from `first` on, among which the lowest `bits` of the high four choose."""
        if bits == 0:
            sixteenth = load(b, offset(b, table, 16 * first), SIXTEENTH)
            entries = shuffle(b, sixteenth, sixteenth, [n % 16 for n in range(32)])
            return call(b, "llvm.x86.avx2.pshuf.b", YMM, [entries, low])
        half = 1 << (bits - 1)
        pair = [found(first, bits - 1), found(first + half, bits - 1)]
        return call(b, "llvm.x86.avx2.pblendvb", YMM, [*pair, choices[bits - 1]])

    result = found(0, 4)
    return result if count == 32 else shuffle(b, result, result, range(count))
