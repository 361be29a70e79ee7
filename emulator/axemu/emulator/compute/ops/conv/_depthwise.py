"""Depthwise convolution: taps in groups of four, channels in blocks of four vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data, View
from axemu.emulator.compute._packing import pack_channels, pack_weights, start_values
from axemu.emulator.compute._paths import PathSpec
from axemu.emulator.compute.ops._scalars import epilogue
from axemu.model.program import Node

from ._dense import After, Constants, Grid
from .arguments import DEPTHWISE, HALF_DEPTHWISE, Depthwise


def emit_depthwise(
    assembler: Assembler,
    node: Node,
    source: View,
    offsets: npt.NDArray[np.int64],
    weight: npt.NDArray[np.int8],
    grid: Grid,
    constants: Constants,
    after: After,
) -> None:
    """Append a convolution whose output channel c reads input channel c only."""
    channels, lanes = source.shape[2], assembler.spec.lanes
    groups = -(-offsets.size // 4)
    taps = np.zeros((channels, groups, 4), np.int8)
    taps.reshape(channels, -1)[:, : offsets.size] = weight.reshape(channels, -1)
    tap_offsets = np.full(4 * groups, offsets[-1], np.int64)  # the spare taps have zero weights
    tap_offsets[: offsets.size] = offsets
    whole = channels // (4 * lanes) * (4 * lanes)
    rest = channels - whole
    if lanes == 16 and 0 < rest <= 2 * lanes:
        halved = replace(assembler.spec, lanes=lanes // 2)
        parts = [(0, whole, assembler.spec, DEPTHWISE), (whole, channels, halved, HALF_DEPTHWISE)]
    else:
        parts = [(0, channels, assembler.spec, DEPTHWISE)]
    for first, last, spec, family in parts:
        if first == last:
            continue
        arguments, chunks = _part(
            assembler,
            node,
            source,
            (first, last),
            tap_offsets,
            taps[first:last],
            grid,
            constants.part(first, last),
            after,
            spec,
        )
        assembler.emit(
            family(numerics=assembler.numerics),
            arguments,
            reads=[source, *assembler.fused_reads(node)],
            writes=[assembler.view(node.output)],
            chunks=chunks,
        )


def _part(
    assembler: Assembler,
    node: Node,
    source: View,
    channels: tuple[int, int],
    tap_offsets: npt.NDArray[np.int64],
    taps: npt.NDArray[np.int8],
    grid: Grid,
    constants: Constants,
    after: After,
    spec: PathSpec,
) -> tuple[Depthwise, int]:
    """Return the arguments for a range of channels, and into how many chunks its stage is split."""
    first, last = channels
    output = assembler.view(node.output)
    block = 4 * spec.lanes
    blocks = -(-(last - first) // block)
    width = min(blocks * block, output.width - first)
    lowest, highest = int(grid.pixels.min() + tap_offsets.min()), int(grid.pixels.max() + tap_offsets.max())
    assembler.check(source, lowest, highest + first + blocks * block, write=False)
    assembler.check(output, int(grid.offsets.min()), int(grid.offsets.max()) + first + width, write=True)
    packed = pack_weights(taps, blocks, 4, spec)
    starts = start_values(constants.starts, taps, spec)
    by_channel = pack_channels(starts, constants.roles, blocks, 4, spec, constants.folded)
    low, high = number(node, "qmin"), number(node, "qmax")
    big, rest = divmod(grid.pixels.size, spec.depth_rows)
    pixels = ("depthwise pixels", node.name)
    arguments = Depthwise(
        input=Address(source.buffer, source.start + first),
        output=Address(output.buffer, output.start + first),
        first_channel=first,
        pixels=assembler.table(pixels, grid.pixels.astype(np.int32)),
        offsets=assembler.offsets(output),
        taps=Data(tap_offsets.astype(np.int32)),
        groups=taps.shape[1],
        weights=Data(packed),
        weight_stride=packed.shape[1],
        channels=Data(by_channel),
        channel_stride=by_channel[0].nbytes,
        blocks=blocks,
        width=width,
        big_tiles=big,
        tiles=big + rest,
        scalars=epilogue(assembler.numerics, assembler.tensor(node.output), low, high),
        table=after.table,
        after=after.call.kernel,
        after_arguments=after.call.arguments,
    )
    return arguments, assembler.chunks(grid.pixels.size * width * taps.shape[1], big + rest)
