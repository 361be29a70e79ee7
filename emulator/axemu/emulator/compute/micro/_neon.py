"""Instructions of Arm (AArch64): vectors of four lanes, four products per lane and instruction.

- dotprod: `sdot` multiplies signed bytes, so activations are turned back into q (stored byte exclusive-or 128);
- i8mm: `usdot` multiplies unsigned by signed bytes, and `usmmla` two rows of eight by two columns of eight.

None of them saturates or rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axemu.emulator.compute._paths import Operands, PathSpec

from ._isa import Isa
from .ir import I8, I16, I32, Builder, Value, call, const_vector, shuffle, splat, vector

BYTES = vector(I8, 16)
WORDS = vector(I16, 8)
INTEGERS = vector(I32, 4)
SIGNS = 0x80808080 - (1 << 32)
"""The highest bit of each of four bytes."""


@dataclass(frozen=True)
class Neon(Isa):
    """Instruction selection of the paths for Arm."""

    def prepare(self, b: Builder, activations: Value) -> tuple[Value, ...]:
        """Turn a vector of four activation bytes per lane into the operand of `accumulate`."""
        if self.spec.operands is Operands.SIGNED:
            activations = b.xor(activations, const_vector(I32, 4, SIGNS))
        return (activations,)

    def accumulate(
        self, b: Builder, total: Value, prepared: Sequence[Value], weights: Sequence[Value]
    ) -> Value:
        """Return total + the four products of each lane."""
        pair = [b.bitcast(prepared[0], BYTES), b.bitcast(weights[0], BYTES)]
        name = "sdot" if self.spec.operands is Operands.SIGNED else "usdot"
        return call(b, f"llvm.aarch64.neon.{name}.v4i32.v16i8", INTEGERS, [total, *pair])

    def round_to_int(self, b: Builder, values: Value) -> Value:
        """Round float lanes to int32, to nearest even, saturated."""
        return call(b, "llvm.aarch64.neon.fcvtns.v4i32.v4f32", INTEGERS, [values])

    def pack(self, b: Builder, vectors: Sequence[Value], shift: Value) -> Value:
        """Return max(0, min(255, v + shift)) of one, two or four int32 vectors as bytes, in order."""
        if len(vectors) == 1:  # half of what is packed is thrown away
            twice = self.pack(b, [*vectors, *vectors], shift)
            return shuffle(b, twice, twice, range(4))
        halves = [call(b, "llvm.aarch64.neon.sqxtn.v4i16", vector(I16, 4), [value]) for value in vectors]
        moved = splat(b, b.trunc(shift, I16), 8)
        bytes_of = []
        for n in range(0, len(halves), 2):
            words = shuffle(b, halves[n], halves[n + 1], range(8))
            words = call(b, "llvm.sadd.sat.v8i16", WORDS, [words, moved])
            bytes_of.append(call(b, "llvm.aarch64.neon.sqxtun.v8i8", vector(I8, 8), [words]))
        return bytes_of[0] if len(bytes_of) == 1 else shuffle(b, bytes_of[0], bytes_of[1], range(16))


def instructions(spec: PathSpec, *, byte_permute: bool) -> Isa:
    """Return the instruction selection of a path."""
    neon = spec.operands in (Operands.SIGNED, Operands.PAIRS)
    return (Neon if neon else Isa)(spec, byte_permute)
