"""Descriptor of a product of two tensors."""

(
    LEFT,
    LEFT_PLACES,  # int32 offsets of the left operand's pixels (rows of the matrix)
    RIGHT,
    RIGHT_PLACES,  # int32 offsets of the right operand's pixels (the summed dimension)
    OUTPUT,
    PLACES,
    ROWS,
    DEPTH,
    WIDTH,  # columns, rounded up to a multiple of 16
    SCALARS,  # LEFT_ZERO, RIGHT_ZERO as int32; INPUT_SCALE as `make_matmul` says
    SIZE,
) = range(11)
