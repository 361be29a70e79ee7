"""Descriptor of a depthwise convolution."""

(
    INPUT,
    OUTPUT,
    FIRST_CHANNEL,  # number of the channel at INPUT and OUTPUT within the tensor
    PIXELS,
    PLACES,
    TAPS,  # int32 offsets of taps from a pixel, four per group
    GROUPS,  # groups of four taps
    WEIGHTS,
    WEIGHT_STRIDE,  # bytes from one block's weights to the next
    CHANNELS,
    CHANNEL_STRIDE,
    BLOCKS,  # blocks of four vectors of channels
    WIDTH,  # bytes of a pixel that may be written from OUTPUT on: a multiple of 16
    BIG_TILES,
    TILES,
    SCALARS,
    TABLE,
    AFTER,
    AFTER_DESCRIPTOR,
    SIZE,
) = range(20)
