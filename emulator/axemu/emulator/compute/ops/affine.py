"""`affine` whose channels differ; alike channels are a table (`unary`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._layout import Address, Data, Descriptor, blocks
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import affine as f
from axemu.emulator.compute.fields import scalars as s
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._scalars import quantise_scalars


def link(lowering: Lowering, node: Node) -> tuple[str, Descriptor, Any]:
    """Return kernel, descriptor and the module of its fields."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    tensor, result = lowering.tensor(node.inputs[0]), lowering.tensor(node.output)
    exact = lowering.numerics == "exact"
    constants = [
        np.array(lowering.constants(node)[role], np.float32)
        if exact
        else round_f18(lowering.constants(node)[role])
        for role in ("multiplier", "addend")
    ]
    low, high = number(node, "qmin"), number(node, "qmax")
    floats = quantise_scalars(lowering.numerics, result, s.UNARY_SIZE, low, high)
    floats[s.INPUT_SCALE] = tensor.scale if exact else round_f18(tensor.scale)
    integers = floats.view(np.int32)
    integers[s.INPUT_ZERO] = tensor.zero_point + 128
    if exact:
        integers[s.RECIPROCAL_I32] = _reciprocal_is_exact(floats, *constants)
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.INPUT_PLACES: lowering.places(source),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PLACES: lowering.places(output),
            f.MULTIPLIERS: _by_block(constants[0]),
            f.ADDENDS: _by_block(constants[1]),
            f.SCALARS: Data(floats),
        }
    )
    return f"affine_{lowering.numerics}", descriptor, f


def _by_block(values: npt.NDArray[np.float32]) -> Data:
    whole = np.zeros(blocks(values.size), np.float32)
    whole[: values.size] = values
    return Data(whole)


def _reciprocal_is_exact(
    floats: npt.NDArray[np.float32], multiplier: npt.NDArray[np.float32], addend: npt.NDArray[np.float32]
) -> bool:
    """Try every byte of every channel: does multiplying by the reciprocal round to what the division rounds to?"""
    stored = np.arange(256, dtype=np.int32)[:, None]
    real = (stored - floats.view(np.int32)[s.INPUT_ZERO]).astype(np.float32) * floats[s.INPUT_SCALE]
    real = real * multiplier + addend
    low, high = floats[s.LOW], floats[s.HIGH]
    divided = np.rint(np.clip(real / floats[s.DIVISOR], low, high))
    multiplied = np.rint(np.clip(real * floats[s.INVERSE], low, high))
    return bool((divided == multiplied).all())
