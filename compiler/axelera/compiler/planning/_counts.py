"""How often the units of a core are used by one operator."""

from __future__ import annotations

from axemu.chip import METIS, ChipFigures

LANES = int(METIS.channel_granularity)
IMAGE_CHANNELS = int(METIS.image_channel_granularity)

CHANNEL_CONSTANTS = 64
"""Bytes of bias, scale and offset beside the weights per output channel (from the constants of ResNet-50 builds:
27.6 MB in all, 25.6 MB of them weights)."""


def padded(channels: int) -> int:
    """Return `channels` rounded up to the 64 that the chip stores."""
    return -(-channels // LANES) * LANES


def stored_channels(channels: int) -> int:
    """Return the channels an array input vector carries per pixel: an image keeps 4, all else multiples of 64."""
    return IMAGE_CHANNELS if channels <= IMAGE_CHANNELS else padded(channels)


def array_slots(
    positions: int,
    channels: int,
    outputs: int,
    kernel: tuple[int, int] = (1, 1),
    stride: int = 1,
    chip: ChipFigures = METIS,
) -> int:
    """Return how often the array fires for a dense convolution.

    In-core replication puts several neighbouring outputs of a row side by side: their input windows overlap, so
    `copies` outputs need `kernel + (copies - 1) * stride` columns of the image as array inputs. The copies may spread
    over more row tiles; the cheapest number of copies is taken.

    Args:
        positions: output pixels.
        channels: input channels, true count.
        outputs: output channels, true count.
        kernel: height and width.
        stride: along the row.
        chip: figures of the chip.
    """
    rows, columns = int(chip.array_inputs), int(chip.array_outputs)
    height, width = kernel
    depth, breadth = stored_channels(channels), padded(outputs)
    best = 0
    for copies in range(1, int(chip.replication_limit) + 1):
        if copies > 1 and copies * breadth > columns:
            break
        window = depth * height * (width + (copies - 1) * stride)
        slots = -(-positions // copies) * -(-window // rows) * -(-copies * breadth // columns)
        if not best or slots < best:
            best = slots
    return best


def constant_bytes(rows: int, outputs: int) -> int:
    """Return the bytes of a weight matrix of `rows` inputs with all that belongs to its output channels."""
    return (rows + CHANNEL_CONSTANTS) * padded(outputs)


def weight_passes(channels: int, outputs: int, taps: int, chip: ChipFigures = METIS) -> int:
    """Return how often a dense convolution reads its input.

    Weights that exceed the array's sets are loaded in turns, and the whole map passes by in each; what L1 does not hold
    is fetched again. A row tile of a 1x1 kernel meets only its own channels, so turns over rows add nothing there.

    Args:
        channels: input channels, as stored.
        outputs: output channels, true count.
        taps: positions of the kernel.
        chip: figures of the chip.
    """
    rows, columns = int(chip.array_inputs), int(chip.array_outputs)
    turns = -(-channels * taps * padded(outputs) // (int(chip.weight_sets) * rows * columns))
    return min(turns, taps * -(-padded(outputs) // columns))
