"""Descriptor of a convolution: one panel width, one run over all its pixels and panels."""

(
    INPUT,  # address of the input tensor's first byte, in the arena
    OUTPUT,  # address of the first result channel of the first panel
    FIRST_CHANNEL,  # number of that channel within the tensor
    PIXELS,  # int32 offsets of pixels from INPUT
    PLACES,  # int32 offsets of results from OUTPUT
    TAPS,  # int32 offsets of taps from a pixel
    TAP_COUNT,
    STEPS,  # k-steps per tap
    WEIGHTS,
    WEIGHT_STRIDE,  # bytes from one panel's weights to the next
    CHANNELS,  # start values and requantisation constants
    CHANNEL_STRIDE,
    PANELS,
    PANEL_CHANNELS,
    BIG_TILES,  # tiles of `rows` pixels come first,
    SMALL_TILES,  # then tiles of rows - 1,
    TILES,  # then single pixels; this is their total
    BLOCK_TILES,  # tiles whose input stays in the cache while the panels pass
    SPLIT_PANELS,  # 1: chunks are ranges of panels, 0: ranges of tiles
    SCALARS,
    TABLE,  # 256-byte table applied to each result, or 0
    AFTER,  # kernel called on each finished range of pixels, or 0
    AFTER_DESCRIPTOR,
    SIZE,
) = range(24)
