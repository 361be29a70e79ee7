"""Descriptor of a multiplication and addition per channel, on a range of pixels."""

(
    INPUT,
    INPUT_PLACES,  # int32 offsets of pixels
    OUTPUT,
    PLACES,
    MULTIPLIERS,  # float32 per channel, whole blocks
    ADDENDS,
    SCALARS,  # INPUT_SCALE; INPUT_ZERO (int32): zero point + 128
    NEXT,
    NEXT_DESCRIPTOR,
    SIZE,
) = range(10)
