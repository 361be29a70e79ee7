"""Layouts of the 32-bit scalars kernels read, float32 unless marked int32."""

CONV_INVERSE, CONV_ZERO, CONV_SHIFT_I32, CONV_LOW_I32, CONV_HIGH_I32, CONV_SIZE = range(6)
"""Convolutions: 1/scale_out and zero point (metis), what is added after rounding, lowest and highest stored byte."""

DIVISOR, INVERSE, RECIPROCAL_I32, ZERO, LOW, HIGH, SHIFT_I32, LOW_BYTE_I32, HIGH_BYTE_I32, QUANTISE_SIZE = (
    range(10)
)
"""The step back to bytes: output scale (exact) and its reciprocal, whether multiplying by the reciprocal is known to
give the same bytes, zero point added before rounding (metis), bounds before rounding, what is added after it, lowest and highest
stored byte."""

(
    LEFT_SCALE,
    LEFT_ZERO_I32,
    RIGHT_SCALE,
    RIGHT_ZERO_I32,
    RIGHT_START,
    LINEAR_I32,
    LINEAR_LEFT,
    LINEAR_RIGHT,
    LINEAR_START,
    ELEMENTWISE_SIZE,
) = range(QUANTISE_SIZE, QUANTISE_SIZE + 10)
"""Elementwise operators: scales of the operands, and their zero points + 128; the right one times the right
scale, negative. LINEAR: whether rounding left · a + (right · b + c) of stored bytes, fused, is known to give the same."""

INPUT_SCALE, INPUT_ZERO, UNARY_SIZE = range(QUANTISE_SIZE, QUANTISE_SIZE + 3)
"""Operators of one tensor: what their docstrings say."""
