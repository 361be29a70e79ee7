"""Depthwise convolution: taps in groups of four, channels in blocks of four vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._layout import Address, Data, Descriptor, View
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute._packing import pack_channels, pack_weights
from axemu.emulator.compute._paths import PathSpec
from axemu.emulator.compute.fields import depthwise as f
from axemu.model.program import Node

from ._dense import After, Constants, Grid
from ._scalars import conv_scalars


def emit_depthwise(
    lowering: Lowering,
    node: Node,
    source: View,
    offsets: npt.NDArray[np.int64],
    weight: npt.NDArray[np.int8],
    grid: Grid,
    constants: Constants,
    after: After,
) -> None:
    """Append a convolution whose output channel c reads input channel c only."""
    channels, lanes = source.shape[2], lowering.spec.lanes
    groups = -(-offsets.size // 4)
    taps = np.zeros((channels, groups, 4), np.int8)
    taps.reshape(channels, -1)[:, : offsets.size] = weight.reshape(channels, -1)
    places = np.full(4 * groups, offsets[-1], np.int64)  # the spare taps have zero weights
    places[: offsets.size] = offsets
    whole = channels // (4 * lanes) * (4 * lanes)
    rest = channels - whole
    if lanes == 16 and 0 < rest <= 2 * lanes:
        halved = replace(lowering.spec, lanes=lanes // 2)
        parts = [(0, whole, lowering.spec, "depthwise"), (whole, channels, halved, "depthwise_half")]
    else:
        parts = [(0, channels, lowering.spec, "depthwise")]
    for first, last, spec, kernel in parts:
        if first == last:
            continue
        descriptor, chunks = _part(
            lowering,
            node,
            source,
            (first, last),
            places,
            taps[first:last],
            grid,
            constants.part(first, last),
            spec,
        )
        descriptor.update({f.TABLE: after.table, f.AFTER: after.kernel, f.AFTER_DESCRIPTOR: after.descriptor})
        lowering.emit(
            f"{kernel}_{lowering.numerics}",
            descriptor,
            reads=[source, *lowering.follower_reads(node)],
            writes=[lowering.view(node.output)],
            chunks=chunks,
        )


def _part(
    lowering: Lowering,
    node: Node,
    source: View,
    channels: tuple[int, int],
    places: npt.NDArray[np.int64],
    taps: npt.NDArray[np.int8],
    grid: Grid,
    constants: Constants,
    spec: PathSpec,
) -> tuple[Descriptor, int]:
    """Return the descriptor of a range of channels, and into how many chunks its stage is split."""
    first, last = channels
    output = lowering.view(node.output)
    block = 4 * spec.lanes
    blocks = -(-(last - first) // block)
    width = min(blocks * block, output.width - first)
    lowest, highest = int(grid.pixels.min() + places.min()), int(grid.pixels.max() + places.max())
    lowering.check(source, lowest, highest + first + blocks * block, write=False)
    lowering.check(output, int(grid.places.min()), int(grid.places.max()) + first + width, write=True)
    packed = pack_weights(taps, blocks, 4, spec)
    by_channel = pack_channels(constants.starts, constants.roles, blocks, 4, spec)
    low, high = number(node, "qmin"), number(node, "qmax")
    big, rest = divmod(grid.pixels.size, spec.depth_rows)
    pixels = ("depthwise pixels", node.name)
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start + first),
            f.OUTPUT: Address(output.buffer, output.start + first),
            f.FIRST_CHANNEL: first,
            f.PIXELS: lowering.table(pixels, grid.pixels.astype(np.int32)),
            f.PLACES: lowering.places(output),
            f.TAPS: Data(places.astype(np.int32)),
            f.GROUPS: taps.shape[1],
            f.WEIGHTS: Data(packed),
            f.WEIGHT_STRIDE: packed.shape[1],
            f.CHANNELS: Data(by_channel),
            f.CHANNEL_STRIDE: by_channel[0].nbytes,
            f.BLOCKS: blocks,
            f.WIDTH: width,
            f.BIG_TILES: big,
            f.TILES: big + rest,
            f.SCALARS: Data(conv_scalars(lowering.numerics, lowering.tensor(node.output), low, high)),
        }
    )
    return descriptor, lowering.chunks(grid.pixels.size * width * taps.shape[1], big + rest)
