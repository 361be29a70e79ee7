"""Descriptor of a convolution by tiles of a few pixels that need not lie at equal distances."""

from .dense import SHARED

(
    PIXELS,  # int32 offsets of pixels from the input
    STEPS,  # k-steps per tap
    BIG_TILES,  # tiles of `rows` pixels come first,
    SMALL_TILES,  # then tiles of rows - 1, then single pixels
    SIZE,
) = range(SHARED, SHARED + 5)
