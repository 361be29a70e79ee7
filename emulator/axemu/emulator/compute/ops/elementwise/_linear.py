"""A shorter formula for sums of two tensors in `exact` numerics, used only where all 65536 cases agree.

The specification rounds five times on the way from two bytes to one. round(left · a + (right · b + c)) with fused
multiply-adds differs from it only where a sum lies within rounding errors of a boundary between two integers: a
handful of pairs of bytes. Moving a, b and c by a few units in the last place usually moves all of them to the right
side; whether it does is tried out, and then confirmed on every pair.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

NEAR = 4e-4
"""Distance from a boundary within which a pair is examined."""
STEPS = (0, 1, -1, 2, -2, 3, -3)
"""Units in the last place by which each constant is moved."""
LARGEST, SMALLEST = 16.0, 1.0 / 16.0
"""Bounds of a and b: products of bytes and sums are then exact in float64, so that one cast shows one rounding."""

STORED = np.arange(256, dtype=np.float64)


def linear_form(
    wanted: npt.NDArray[np.float32], low: float, high: float, a: float, b: float, c: float
) -> tuple[np.float32, np.float32, np.float32] | None:
    """Return constants a, b, c with which the fused formula gives `wanted` for all pairs of bytes, or None.

    Args:
        wanted: rounded results (256, 256) for left and right stored bytes, clamped to [low, high].
        low: lower clamp.
        high: upper clamp.
        a: factor of the left byte, in output steps.
        b: factor of the right byte.
        c: constant.
    """
    if not (SMALLEST <= abs(a) <= LARGEST and SMALLEST <= abs(b) <= LARGEST and abs(c) <= 2**14):
        return None
    values = STORED[:, None] * a + (STORED[None, :] * b + c)
    inside = (values > low - 1) & (values < high + 1)
    near = inside & (np.abs(values - np.floor(values) - 0.5) < NEAR)
    left, right = np.nonzero(near)
    target = wanted[left, right]
    for moves in itertools.islice(itertools.product(STEPS, repeat=3), 200):
        constants = [_moved(value, move) for value, move in zip((a, b, c), moves, strict=True)]
        if not np.array_equal(_fused(left, right, constants, low, high), target):
            continue
        grid = np.indices((256, 256))
        if np.array_equal(_fused(grid[0], grid[1], constants, low, high), wanted):
            return constants[0], constants[1], constants[2]
    return None


def _moved(value: float, steps: int) -> np.float32:
    moved = np.float32(value)
    if abs(moved) < 2.0**-8:
        return np.float32(0)
    for _ in range(abs(steps)):
        moved = np.nextafter(moved, np.float32(np.inf if steps > 0 else -np.inf))
    return moved


def _fused(
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    constants: list[np.float32],
    low: float,
    high: float,
) -> Float32:
    """Return what two fused multiply-adds, the rounding and the clamp give."""
    a, b, c = (float(value) for value in constants)
    inner = (STORED[right] * b + c).astype(np.float32).astype(np.float64)
    outer = (STORED[left] * a + inner).astype(np.float32)
    result: Float32 = np.clip(np.rint(outer), np.float32(low), np.float32(high))
    return result
