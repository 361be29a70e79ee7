"""Instruction sets: how many lanes a vector has, and how four products per lane are added to an int32 accumulator.

Activations are stored as unsigned bytes (q + 128), weights are signed; the constant that this adds, 128 × the sum of
the weights, is part of the accumulator's start value. One k-step is four consecutive bytes of a pixel against four
weights of each output channel:

- VNNI: one `vpdpbusd`, which neither saturates nor rounds;
- pairs: `vpmaddubsw` and `vpmaddwd` by ones, for weights that are known not to saturate 16 bits in between;
- multiply-add: the even and the odd bytes as 16-bit lanes, each through one `vpmaddwd`. 16-bit weights times values up
  to 255 can't overflow the int32 pair sum;
- portable: the same in plain LLVM arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llvmlite import ir

from axemu.emulator.compute._paths import Operands, PathSpec

from .ir import F32, I8, I16, I32, Builder, Value, call, const_vector, shuffle, splat, vector

ROUND_MAGIC = 12582912.0
"""1.5 × 2**23: adding it rounds |x| < 2**22 to an integer, to nearest even, in the low bits of the sum."""
ROUND_MAGIC_BITS = 0x4B400000


@dataclass(frozen=True)
class Isa:
    """Instruction selection of one path."""

    spec: PathSpec
    byte_permute: bool = False
    """Whether a byte permutation across two 64-byte registers exists (AVX512-VBMI)."""

    @property
    def lanes(self) -> int:
        """Number of int32 lanes of a vector."""
        return self.spec.lanes

    @property
    def weight_bytes(self) -> int:
        """Bytes of one vector's weights of one k-step."""
        return self.lanes * (8 if self.spec.operands is Operands.WORDS else 4)

    def halved(self) -> Isa:
        """Return the same instructions on half as many lanes."""
        return replace(self, spec=replace(self.spec, lanes=self.lanes // 2))

    def prepare(self, b: Builder, activations: Value) -> tuple[Value, ...]:
        """Turn a vector of four activation bytes per lane into the operands of `accumulate`."""
        if self.spec.operands is not Operands.WORDS:
            return (activations,)
        words = b.bitcast(activations, vector(I16, 2 * self.lanes))
        even = b.and_(words, const_vector(I16, 2 * self.lanes, 0xFF))
        odd = b.lshr(words, const_vector(I16, 2 * self.lanes, 8))
        return (even, odd)

    def accumulate(
        self, b: Builder, total: Value, prepared: Sequence[Value], weights: Sequence[Value]
    ) -> Value:
        """Return total + the four products of each lane; `weights` are int32 vectors as `prepare` makes them."""
        integers = vector(I32, self.lanes)
        if self.spec.operands is not Operands.WORDS:
            name = f"llvm.x86.avx512.vpdpbusd.{32 * self.lanes}"
            return call(b, name, integers, [total, prepared[0], weights[0]])
        for activation, weight in zip(prepared, weights, strict=True):
            total = b.add(total, self._multiply_add(b, activation, b.bitcast(weight, activation.type)))
        return total

    def accumulate_pairs(self, b: Builder, total: Value, activations: Value, weights: Value) -> Value:
        """Return total + the four products of each lane, of which neither the first nor the last two leave 16 bits."""
        words, count = vector(I16, 2 * self.lanes), 4 * self.lanes
        operands = [b.bitcast(value, vector(I8, count)) for value in (activations, weights)]
        pairs = call(b, "llvm.x86.avx2.pmadd.ub.sw", words, operands)
        return b.add(total, self._multiply_add(b, pairs, const_vector(I16, 2 * self.lanes, 1)))

    def _multiply_add(self, b: Builder, first: Value, second: Value) -> Value:
        integers = vector(I32, self.lanes)
        names = {16: "llvm.x86.avx512.pmaddw.d.512", 8: "llvm.x86.avx2.pmadd.wd"}
        if self.lanes in names:
            return call(b, names[self.lanes], integers, [first, second])
        wide = vector(I32, 2 * self.lanes)
        products = b.mul(b.sext(first, wide), b.sext(second, wide))
        even = shuffle(b, products, products, range(0, 2 * self.lanes, 2))
        odd = shuffle(b, products, products, range(1, 2 * self.lanes, 2))
        return b.add(even, odd)

    def round_to_int(self, b: Builder, values: Value) -> Value:
        """Round float lanes to int32, to nearest even; |x| < 2**31. What is far outside bytes stays far outside."""
        integers = vector(I32, self.lanes)
        if self.lanes == 16:
            zeros, all_lanes = ir.Constant(integers, [0] * 16), ir.Constant(I16, -1)
            arguments = [values, zeros, all_lanes, ir.Constant(I32, 4)]
            return call(b, "llvm.x86.avx512.mask.cvtps2dq.512", integers, arguments)
        if self.lanes == 8:
            return call(b, "llvm.x86.avx.cvt.ps2dq.256", integers, [values])
        low, high = (const_vector(F32, self.lanes, bound) for bound in (-65536.0, 65536.0))
        values = b.select(b.fcmp_ordered("<", values, low), low, values)
        values = b.select(b.fcmp_ordered(">", values, high), high, values)
        moved = b.fadd(values, const_vector(F32, self.lanes, ROUND_MAGIC))
        return b.sub(b.bitcast(moved, integers), const_vector(I32, self.lanes, ROUND_MAGIC_BITS))

    def pack(self, b: Builder, vectors: Sequence[Value], shift: Value) -> Value:
        """Return max(0, min(255, v + shift)) of one, two or four int32 vectors as bytes.

        The lanes of the vectors are the channels in the order of `_packing.lane_order`, so that the in-lane packing
        instructions of x86 put every byte where it belongs.
        """
        if len(vectors) == 1:
            total = b.add(vectors[0], splat(b, shift, self.lanes))
            return b.trunc(bounded(b, total, I32, self.lanes, 0, 255), vector(I8, self.lanes))
        words = [
            self._saturated_words(b, vectors[n], vectors[n + 1], shift) for n in range(0, len(vectors), 2)
        ]
        if len(words) == 1:
            return b.trunc(bounded(b, words[0], I16, 2 * self.lanes, 0, 255), vector(I8, 2 * self.lanes))
        names = {16: "llvm.x86.avx512.packuswb.512", 8: "llvm.x86.avx2.packuswb"}
        if self.lanes in names:
            return call(b, names[self.lanes], vector(I8, 4 * self.lanes), words)
        both = shuffle(b, words[0], words[1], range(4 * self.lanes))
        return b.trunc(bounded(b, both, I16, 4 * self.lanes, 0, 255), vector(I8, 4 * self.lanes))

    def _saturated_words(self, b: Builder, first: Value, second: Value, shift: Value) -> Value:
        words = vector(I16, 2 * self.lanes)
        names = {16: "llvm.x86.avx512.packssdw.512", 8: "llvm.x86.avx2.packssdw"}
        if self.lanes in names:
            packed = call(b, names[self.lanes], words, [first, second])
        else:
            both = shuffle(b, first, second, range(2 * self.lanes))
            packed = b.trunc(bounded(b, both, I32, 2 * self.lanes, -32768, 32767), words)
        moved = splat(b, b.trunc(shift, I16), 2 * self.lanes)
        return call(b, f"llvm.sadd.sat.v{2 * self.lanes}i16", words, [packed, moved])


def bounded(b: Builder, values: Value, element: ir.IntType, lanes: int, low: int, high: int) -> Value:
    name = f"v{lanes}i{element.width}"
    floor = call(b, f"llvm.smax.{name}", values.type, [values, const_vector(element, lanes, low)])
    return call(b, f"llvm.smin.{name}", values.type, [floor, const_vector(element, lanes, high)])
