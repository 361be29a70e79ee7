"""Sums of the dense micro-kernel on Arm: operands by element of a register, and pairs of pixels by pairs of channels.

Nothing is fetched ahead: panels follow each other in memory, which the CPU's own prefetching sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axemu.emulator.compute._paths import Operands

from ._isa import Isa
from ._neon import BYTES, INTEGERS
from ._numba import cgutils
from .ir import I32, I64, Builder, Value, call, const, load, offset, shuffle, splat, vector

Totals = list[list[Value]]


def _by_element(isa: Isa, b: Builder, bases: list[Value], totals: Totals, tile: Any, _ahead: Value) -> None:
    """Add one k-step after the other; four of a pixel are loaded at once and multiplied by element of the register."""
    step_bytes = isa.weight_bytes * len(totals[0])

    def add(step: list[Value], here: Value) -> None:
        for n in range(len(totals[0])):
            weights = load(b, offset(b, here, isa.weight_bytes * n), INTEGERS)
            for activations, row in zip(step, totals, strict=True):
                # The operand of which one element is taken has to be the second.
                b.store(isa.accumulate(b, b.load(row[n]), (weights,), (activations,)), row[n])

    def after(steps: Value, first: Value, panel: Value) -> None:
        """The steps that fill no register."""
        with cgutils.for_range(b, steps) as step:
            at = b.mul(step.index, const(4))
            fours = [load(b, b.add(b.add(base, first), at), I32) for base in bases]
            prepared = [isa.prepare(b, splat(b, four, 4))[0] for four in fours]
            add(prepared, b.add(panel, b.mul(step.index, const(step_bytes))))

    whole, rest = b.lshr(tile.steps, const(2)), b.and_(tile.steps, const(3))
    position = cgutils.alloca_once_value(b, tile.weights)
    with cgutils.for_range(b, tile.tap_count) as tap:
        distance = b.sext(load(b, b.add(tile.taps, b.mul(tap.index, const(4))), I32), I64)
        panel = b.load(position)
        with cgutils.for_range(b, whole) as four:
            at = b.add(distance, b.mul(four.index, const(16)))
            here = b.add(panel, b.mul(four.index, const(4 * step_bytes)))
            whole_registers = [isa.prepare(b, load(b, b.add(base, at), INTEGERS))[0] for base in bases]
            for element in range(4):
                step = [shuffle(b, register, register, [element] * 4) for register in whole_registers]
                add(step, offset(b, here, element * step_bytes))
        after(
            rest,
            b.add(distance, b.mul(whole, const(16))),
            b.add(panel, b.mul(whole, const(4 * step_bytes))),
        )
        b.store(b.add(panel, b.mul(tile.steps, const(step_bytes))), position)


def _by_pairs(_isa: Isa, b: Builder, bases: list[Value], totals: Totals, tile: Any, _ahead: Value) -> None:
    """Add eight bytes of two pixels at a time; each sum holds two pixels of two channels.

    An odd last pixel is its own partner. Bytes after a tap of 4k + 4 bytes meet weights of zero.
    """
    pairs = [(first, min(first + 1, len(bases) - 1)) for first in range(0, len(bases), 2)]
    vectors = len(totals[0])
    sums = [[cgutils.alloca_once(b, INTEGERS) for _ in range(2 * vectors)] for _ in pairs]
    for (first, second), row in zip(pairs, sums, strict=True):
        for n in range(vectors):
            one, other = b.load(totals[first][n]), b.load(totals[second][n])
            b.store(shuffle(b, one, other, (0, 1, 4, 5)), row[2 * n])
            b.store(shuffle(b, one, other, (2, 3, 6, 7)), row[2 * n + 1])
    octets = b.lshr(b.add(tile.steps, const(1)), const(1))
    step_bytes = 32 * vectors
    position = cgutils.alloca_once_value(b, tile.weights)
    with cgutils.for_range(b, tile.tap_count) as tap:
        distance = b.sext(load(b, b.add(tile.taps, b.mul(tap.index, const(4))), I32), I64)
        panel = b.load(position)
        with cgutils.for_range(b, octets) as step:
            at = b.add(distance, b.mul(step.index, const(8)))
            here = b.add(panel, b.mul(step.index, const(step_bytes)))
            pixels = [_two_pixels(b, b.add(bases[one], at), b.add(bases[other], at)) for one, other in pairs]
            for n in range(2 * vectors):
                weights = load(b, offset(b, here, 16 * n), BYTES)
                for pixel, row in zip(pixels, sums, strict=True):
                    operands = [b.load(row[n]), pixel, weights]
                    b.store(call(b, "llvm.aarch64.neon.usmmla.v4i32.v16i8", INTEGERS, operands), row[n])
        b.store(b.add(panel, b.mul(octets, const(step_bytes))), position)
    for (first, second), row in zip(pairs, sums, strict=True):
        for n in range(vectors):
            low, high = b.load(row[2 * n]), b.load(row[2 * n + 1])
            b.store(shuffle(b, low, high, (0, 1, 4, 5)), totals[first][n])
            if second != first:
                b.store(shuffle(b, low, high, (2, 3, 6, 7)), totals[second][n])


def _two_pixels(b: Builder, first: Value, second: Value) -> Value:
    """Return eight bytes of each pixel."""
    one, other = (b.bitcast(load(b, address, I64), vector(I64, 1)) for address in (first, second))
    return b.bitcast(shuffle(b, one, other, (0, 1)), BYTES)


ACCUMULATE: dict[Operands, Callable[[Isa, Builder, list[Value], Totals, Any, Value], None]] = {
    Operands.SIGNED: _by_element,
    Operands.PAIRS: _by_pairs,
}
"""accumulate(isa, b, bases, totals, tile, ahead): add all products of a tile to its sums."""
