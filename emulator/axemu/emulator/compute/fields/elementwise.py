"""Descriptor of an elementwise operator of two tensors."""

(
    LEFT,
    LEFT_PLACES,  # int32 offsets of pixels
    RIGHT,
    RIGHT_PLACES,  # all zero when the operand is one pixel
    OUTPUT,
    PLACES,
    SPLAT,  # 1: the right operand has one channel
    DENSE,  # bytes per pixel when all tensors are one run of memory, else 0
    SCALARS,
    NEXT,  # another kernel on the same range, or 0
    NEXT_DESCRIPTOR,
    SIZE,
) = range(12)
