"""`conv_add`: plain sums of sixteen channels at a time, then the other tensor, then bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._assembler import Assembler, Unsupported
from axemu.emulator.compute._layout import BLOCK, Address, Data, blocks
from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.ops._scalars import check_zero_point, quantise
from axemu.model.program import Node, Tensor

from ._groups import expand_groups
from ._offsets import pixel_offsets, tap_offsets
from .arguments import CONV_ADD, ConvAdd

MAX_ZERO_POINT = 1 << 22
"""Up to here q - zero point is exact in float32."""


def assemble(assembler: Assembler, node: Node) -> None:
    """Append the convolution with its sum."""
    source, other = (assembler.view(name) for name in node.inputs)
    output, result = assembler.view(node.output), assembler.tensor(node.output)
    added = assembler.tensor(node.inputs[1])
    check_zero_point(result.zero_point)
    if abs(added.zero_point) > MAX_ZERO_POINT:
        raise Unsupported(f"zero point {added.zero_point}")
    constants = assembler.constants(node)
    weight = expand_groups(constants["weight"], number(node, "group"))
    taps, pixels = tap_offsets(node, source), pixel_offsets(node, source, output)
    channels = source.shape[2]
    assembler.check(
        source,
        int(pixels.min() + taps.min()),
        int(pixels.max() + taps.max()) + channels,
        write=False,
    )
    scalars = Single(
        **quantise(assembler.numerics, result, number(node, "qmin"), number(node, "qmax")),
        input_scale=_factor(assembler, added, result),
        input_zero=added.zero_point + 128,
    )
    arguments = ConvAdd(
        input=Address(source.buffer, source.start),
        pixels=Data(pixels.astype(np.int32)),
        taps=Data(taps.astype(np.int32)),
        tap_count=taps.size,
        depth=channels,
        weights=Data(_by_block(weight)),
        constants=Data(_constants(assembler, node, weight)),
        other=Address(other.buffer, other.start),
        other_offsets=assembler.offsets(other),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        count=output.pixels,
        blocks=output.width // BLOCK,
        scalars=Data(scalars.pack()),
    )
    work = output.pixels * output.width * taps.size * channels // 16
    assembler.emit(
        CONV_ADD(numerics=assembler.numerics),
        arguments,
        reads=[source, other],
        writes=[output],
        chunks=assembler.chunks(work, output.pixels),
    )


def _factor(assembler: Assembler, added: Tensor, result: Tensor) -> float:
    if assembler.numerics == "exact":
        return float(np.float32(added.scale) / np.float32(result.scale))
    return float(np.float32(added.scale))


def _by_block(weight: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return weights (blocks of 16 outputs, taps, inputs, 16)."""
    outputs, height, width, inputs = weight.shape
    whole = np.zeros((blocks(outputs), height * width, inputs), np.int8)
    whole[:outputs] = weight.reshape(outputs, height * width, inputs)
    return np.ascontiguousarray(whole.reshape(-1, BLOCK, height * width, inputs).transpose(0, 2, 3, 1))


def _constants(assembler: Assembler, node: Node, weight: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """Return by block of 16 channels the start values (int32) and the float32 constants, all as int32 (blocks, 4, 16)."""
    constants = assembler.constants(node)
    exact = assembler.numerics == "exact"
    sums = weight.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    zero = assembler.tensor(node.inputs[0]).zero_point if exact else 0
    starts = -(128 + zero) * sums
    roles: tuple[Any, ...] = (constants["bias_f18"], constants["offset_f18"], constants["scale_f18"])
    if exact:
        starts = starts + constants["bias_i32"].astype(np.int64)
        roles = (constants["multiplier"],)
    rows = np.zeros((4, blocks(weight.shape[0])), np.int32)
    rows[0, : starts.size] = starts.astype(np.int32)
    for index, role in enumerate(roles, 1):
        rows[index, : role.size] = np.ascontiguousarray(role, np.float32).view(np.int32)
    return np.ascontiguousarray(rows.reshape(4, -1, BLOCK).transpose(1, 0, 2))
