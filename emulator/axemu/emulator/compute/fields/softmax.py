"""Descriptor of a softmax over the channels."""

(
    INPUT,
    INPUT_PLACES,
    OUTPUT,
    PLACES,
    PIXELS,
    CHANNELS,
    TABLE,  # int32 [256], by distance from the largest value
    TERMS,  # scratch: int32 per channel and chunk
    SCALARS,
    SIZE,
) = range(10)
