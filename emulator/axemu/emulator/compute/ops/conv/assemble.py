"""`conv`: dense, grouped and depthwise convolution; `conv_transpose` is lowered to the same. `conv_add` has a kernel of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number, value
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import View
from axemu.emulator.compute.ops._scalars import check_zero_point
from axemu.model.program import Node

from . import _add, _transpose
from ._dense import Grid, Taps, after_conv, constants_of, emit_dense
from ._depthwise import emit_depthwise
from ._groups import expand_groups, groups_together
from ._offsets import pixel_offsets, tap_offsets


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the convolution."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    check_zero_point(assembler.tensor(node.output).zero_point)
    weight = assembler.constants(node)["weight"]
    sums = weight.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    zero = assembler.tensor(node.inputs[0]).zero_point if assembler.numerics == "exact" else 0
    constants = constants_of(assembler, node, -(128 + zero) * sums)
    grid = Grid(pixel_offsets(node, source, output), output.offsets())
    after = after_conv(assembler, node)
    group, channels = number(node, "group"), source.shape[2]
    if group == channels == output.shape[2] and group > 1:
        emit_depthwise(assembler, node, source, tap_offsets(node, source), weight, grid, constants, after)
        return
    inputs, outputs = channels // group, output.shape[2] // group
    together = groups_together(group, outputs)
    for first in range(0, group, together):
        count = min(together, group - first)
        dense = expand_groups(weight[first * outputs : (first + count) * outputs], count)
        part = source.part((0, 0, first * inputs), (*source.shape[:2], count * inputs))
        begin, end = first * outputs, (first + count) * outputs
        taps = dense_taps(node, part, dense)
        emit_dense(assembler, node, part, (begin, end - begin), taps, grid, constants.part(begin, end), after)


def dense_taps(node: Node, source: View, weight: npt.NDArray[np.int8]) -> Taps:
    """Return the taps of a kernel; where that takes fewer steps, whole rows of few-channel pixels become one tap."""
    outputs, height, width, inputs = weight.shape
    dilations = value(node, "dilations")
    run = (width - 1) * source.pixel + inputs
    if width > 1 and dilations[1] == 1 and -(-run // 4) < width * -(-inputs // 4):
        depth = -(-run // 4) * 4
        rows = np.zeros((outputs, height, width * source.pixel + 3), np.int8)
        pixels = rows[:, :, : width * source.pixel].reshape(outputs, height, width, source.pixel)
        pixels[:, :, :, :inputs] = weight
        offsets = np.arange(height, dtype=np.int64) * dilations[0] * source.row
        return Taps(offsets, rows[:, :, :depth])
    depth = -(-inputs // 4) * 4
    padded = weight
    if depth != inputs:
        padded = np.zeros((outputs, height, width, depth), np.int8)
        padded[..., :inputs] = weight
    return Taps(tap_offsets(node, source), padded.reshape(outputs, height * width, depth))


ASSEMBLE = {"conv": assemble, "conv_add": _add.assemble, "conv_transpose": _transpose.assemble}
