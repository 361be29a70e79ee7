"""Descriptor of a dense product: what the kernel of a few pixels (`conv`) and that of tiles (`matrix`) share."""

(
    INPUT,  # address of the input tensor's first byte, in the arena
    OUTPUT,  # address of the first result channel of the first panel
    FIRST_CHANNEL,  # number of that channel within the tensor
    PLACES,  # int32 offsets of results from OUTPUT
    TAPS,  # int32 offsets of taps from a pixel
    TAP_COUNT,
    WEIGHTS,
    WEIGHT_STRIDE,  # bytes from one panel's weights to the next
    CHANNELS,  # start values and requantisation constants
    CHANNEL_STRIDE,
    PANELS,  # all of one width,
    PANEL_CHANNELS,  # which is this
    TILES,
    BLOCK_TILES,  # tiles whose input stays in the cache while the panels pass
    SPLIT_PANELS,  # 1: chunks are ranges of panels, 0: ranges of tiles
    SCALARS,
    TABLE,  # 256-byte table applied to each result, or 0
    AFTER,  # kernel called on each finished range of pixels, or 0
    AFTER_DESCRIPTOR,
    SHARED,
) = range(20)
