"""Descriptor of a table applied to a range of pixels."""

(
    INPUT,
    INPUT_PLACES,  # int32 offsets of pixels
    OUTPUT,
    PLACES,
    TABLE,  # 256 bytes, or 256 per channel
    DENSE,  # bytes per pixel when both tensors are one run of memory, else 0
    NEXT,
    NEXT_DESCRIPTOR,
    SIZE,
) = range(9)
