"""The scalars that several kernels share."""

from __future__ import annotations

from ._arguments import Scalars


class Epilogue(Scalars):
    """From the accumulators of a convolution to bytes."""

    inverse: float  # 1 / output scale (metis)
    zero: float  # zero point (metis)
    shift: int  # added after rounding
    low_byte: int  # lowest and highest stored byte
    high_byte: int


class Quantise(Scalars):
    """From real values to bytes."""

    divisor: float  # output scale (exact)
    inverse: float  # its reciprocal
    proven: int  # 1: multiplying by the reciprocal is known to give the same bytes
    zero: float  # zero point, added before rounding (metis)
    low: float  # bounds before rounding
    high: float
    shift: int  # added after rounding
    low_byte: int  # lowest and highest stored byte
    high_byte: int


class Pair(Quantise):
    """Two operands and the step back to bytes."""

    left_scale: float
    left_zero: int  # zero point + 128
    right_scale: float
    right_zero: int
    right_start: float  # -right_zero · right_scale
    exact_products: int  # 1: scales have 11 significant bits (metis)
    linear: int = (
        0  # 1: rounding left · a + (right · b + c) of stored bytes, fused, is known to give the same
    )
    linear_left: float = 0
    linear_right: float = 0
    linear_start: float = 0


class Single(Quantise):
    """One operand and the step back to bytes; the description of each kernel says what the scale is."""

    input_scale: float
    input_zero: int  # zero point + 128
