"""`conv_transpose`: one dense convolution for each phase of the output grid.

Output pixels whose row and column leave the same remainders by the strides meet the same kernel positions; those that
meet a gap of the stretched input see padding there, a constant that goes into the start value.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number, value
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute.ops._scalars import check_zero_point
from axemu.model.program import Node

from ._dense import Grid, Taps, after_conv, constants_of, emit_dense
from ._groups import expand_groups, groups_together


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the phases."""
    check_zero_point(assembler.tensor(node.output).zero_point)
    strides = value(node, "strides")
    output = assembler.tensor(node.output).shape
    for row, column in itertools.product(
        range(min(strides[0], output[0])), range(min(strides[1], output[1]))
    ):
        _lower_phase(assembler, node, row, column)


def _lower_phase(assembler: Assembler, node: Node, row: int, column: int) -> None:
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    strides = value(node, "strides")
    rows, columns = _positions(node, 0, row), _positions(node, 1, column)
    weight = assembler.constants(node)["weight"]
    met = weight[:, [i for i, _ in rows]][:, :, [j for j, _ in columns]]
    whole = weight.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    present = met.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    zero = assembler.tensor(node.inputs[0]).zero_point
    fill = min(127, max(-128, zero))
    subtracted = zero if assembler.numerics == "exact" else 0
    correction = -(128 + subtracted) * present + (fill - subtracted) * (whole - present)
    constants = constants_of(assembler, node, correction)
    shape = (-(-(output.shape[0] - row) // strides[0]), -(-(output.shape[1] - column) // strides[1]))
    grid = Grid(
        _grid(shape, source.row, source.pixel),
        _grid(shape, strides[0] * output.row, strides[1] * output.pixel)
        + row * output.row
        + column * output.pixel,
    )
    offsets = np.array([h * source.row + w * source.pixel for _, h in rows for _, w in columns], np.int64)
    after = after_conv(assembler, node)
    group = number(node, "group")
    inputs, outputs = source.shape[2] // group, output.shape[2] // group
    together = groups_together(group, outputs)
    for first in range(0, group, together):
        count = min(together, group - first)
        begin, end = first * outputs, (first + count) * outputs
        dense = expand_groups(met[begin:end], count)
        depth = -(-dense.shape[3] // 4) * 4
        padded = np.zeros((*dense.shape[:3], depth), np.int8)
        padded[..., : dense.shape[3]] = dense
        taps = Taps(offsets, padded.reshape(end - begin, offsets.size, depth))
        part = source.part((0, 0, first * inputs), (*source.shape[:2], count * inputs))
        emit_dense(assembler, node, part, (begin, end - begin), taps, grid, constants.part(begin, end), after)


def _positions(node: Node, axis: int, phase: int) -> list[tuple[int, int]]:
    """Return (kernel position, input position met by the first output of the phase) along an axis."""
    stride, dilation = value(node, "strides")[axis], value(node, "dilations")[axis]
    reach = phase + value(node, "pads")[axis]
    return [
        (i, (reach - i * dilation) // stride)
        for i in range(value(node, "kernel")[axis])
        if (reach - i * dilation) % stride == 0
    ]


def _grid(shape: tuple[int, int], row: int, pixel: int) -> npt.NDArray[np.int64]:
    rows = np.arange(shape[0], dtype=np.int64)[:, None] * row
    return (rows + np.arange(shape[1], dtype=np.int64)[None, :] * pixel).reshape(-1)
