"""Depthwise convolution: taps in groups of four, channels in blocks of four vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._layout import Address, Data, View
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute._packing import pack_channels, pack_weights
from axemu.emulator.compute._paths import PathSpec
from axemu.emulator.compute.ops._scalars import epilogue
from axemu.model.program import Node

from ._dense import After, Constants, Grid
from .arguments import DEPTHWISE, HALF_DEPTHWISE, Depthwise


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
        parts = [(0, whole, lowering.spec, DEPTHWISE), (whole, channels, halved, HALF_DEPTHWISE)]
    else:
        parts = [(0, channels, lowering.spec, DEPTHWISE)]
    for first, last, spec, family in parts:
        if first == last:
            continue
        arguments, chunks = _part(
            lowering,
            node,
            source,
            (first, last),
            places,
            taps[first:last],
            grid,
            constants.part(first, last),
            after,
            spec,
        )
        lowering.emit(
            family(numerics=lowering.numerics),
            arguments,
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
    after: After,
    spec: PathSpec,
) -> tuple[Depthwise, int]:
    """Return the arguments for a range of channels, and into how many chunks its stage is split."""
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
    arguments = Depthwise(
        input=Address(source.buffer, source.start + first),
        output=Address(output.buffer, output.start + first),
        first_channel=first,
        pixels=lowering.table(pixels, grid.pixels.astype(np.int32)),
        places=lowering.places(output),
        taps=Data(places.astype(np.int32)),
        groups=taps.shape[1],
        weights=Data(packed),
        weight_stride=packed.shape[1],
        channels=Data(by_channel),
        channel_stride=by_channel[0].nbytes,
        blocks=blocks,
        width=width,
        big_tiles=big,
        tiles=big + rest,
        scalars=epilogue(lowering.numerics, lowering.tensor(node.output), low, high),
        table=after.table,
        after=after.call.kernel,
        after_arguments=after.call.arguments,
    )
    return arguments, lowering.chunks(grid.pixels.size * width * taps.shape[1], big + rest)
