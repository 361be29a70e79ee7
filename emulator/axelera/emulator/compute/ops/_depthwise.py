"""Depthwise convolution: taps in groups of four, channels in blocks of four vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axelera.emulator.compute._analysis import number
from axelera.emulator.compute._layout import Address, Data, Descriptor, View
from axelera.emulator.compute._lowering import Lowering
from axelera.emulator.compute._packing import pack_channels, pack_weights
from axelera.emulator.compute.fields import depthwise as f
from axelera.model.program import Node

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
    spec = lowering.spec
    output = lowering.view(node.output)
    channels = output.shape[2]
    groups = -(-offsets.size // 4)
    taps = np.zeros((channels, 4 * groups), np.int8)
    taps[:, : offsets.size] = weight.reshape(channels, -1)
    places = np.full(4 * groups, offsets[-1], np.int64)  # the spare taps have zero weights
    places[: offsets.size] = offsets
    block = 4 * spec.lanes
    blocks = -(-channels // block)
    lowest, highest = int(grid.pixels.min() + offsets.min()), int(grid.pixels.max() + offsets.max())
    lowering.check(source, lowest, highest + blocks * block, write=False)
    lowering.check(output, int(grid.places.min()), int(grid.places.max()) + output.width, write=True)
    packed = pack_weights(taps.reshape(channels, groups, 4), blocks, 4, spec)
    by_channel = pack_channels(constants.starts, constants.roles, blocks, 4, spec)
    low, high = number(node, "qmin"), number(node, "qmax")
    big, rest = divmod(grid.pixels.size, spec.depth_rows)
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PIXELS: Data(grid.pixels.astype(np.int32)),
            f.PLACES: lowering.places(output),
            f.TAPS: Data(places.astype(np.int32)),
            f.GROUPS: groups,
            f.WEIGHTS: Data(packed),
            f.WEIGHT_STRIDE: packed.shape[1],
            f.CHANNELS: Data(by_channel),
            f.CHANNEL_STRIDE: by_channel[0].nbytes,
            f.BLOCKS: blocks,
            f.WIDTH: output.width,
            f.BIG_TILES: big,
            f.TILES: big + rest,
            f.SCALARS: Data(conv_scalars(lowering.numerics, lowering.tensor(node.output), low, high)),
            f.TABLE: after.table,
            f.AFTER: after.kernel,
            f.AFTER_DESCRIPTOR: after.descriptor,
        }
    )
    chunks = lowering.chunks(grid.pixels.size * output.width * groups, big + rest)
    lowering.emit(
        f"depthwise_{lowering.numerics}",
        descriptor,
        reads=[source, *lowering.follower_reads(node)],
        writes=[output],
        chunks=chunks,
    )
