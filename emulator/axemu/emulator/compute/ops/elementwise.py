"""`add`, `sub` and `mul` of two tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._layout import Address, Data, Descriptor, View
from axemu.emulator.compute._lowering import Lowering, Unsupported
from axemu.emulator.compute.fields import elementwise as f
from axemu.emulator.compute.fields import scalars as s
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._linear import linear_form
from ._scalars import check_zero_point, quantise_scalars

MAX_ZERO_POINT = 3800
"""Up to here q - zero point has 13 bits, and its product with an 11-bit scale is exact in float32."""


def link(lowering: Lowering, node: Node) -> tuple[str, Descriptor, Any]:
    """Return kernel, descriptor and the module of its fields."""
    left, right = (lowering.view(name) for name in node.inputs)
    output = lowering.view(node.output)
    dense = all(view.dense and view.shape == output.shape for view in (left, right, output))
    descriptor = Descriptor(f.SIZE).update(
        {
            f.LEFT: Address(left.buffer, left.start),
            f.LEFT_PLACES: lowering.places(left),
            f.RIGHT: Address(right.buffer, right.start),
            f.RIGHT_PLACES: _right_places(lowering, left, right),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PLACES: lowering.places(output),
            f.SPLAT: int(right.shape[2] == 1 and left.shape[2] != 1),
            f.DENSE: output.width if dense else 0,
            f.SCALARS: _scalars(lowering, node),
        }
    )
    return f"{node.op}_{lowering.numerics}", descriptor, f


def lower(lowering: Lowering, node: Node) -> None:
    """Append the operator as a stage of its own."""
    from ._follow import link_followers  # noqa: PLC0415  the two need each other

    kernel, descriptor, _ = link(lowering, node)
    descriptor[f.NEXT], descriptor[f.NEXT_DESCRIPTOR] = link_followers(lowering, lowering.followers(node))
    lowering.over_pixels(kernel, descriptor, node, [lowering.view(name) for name in node.inputs])


def _right_places(lowering: Lowering, left: View, right: View) -> Data:
    if right.shape[:2] == left.shape[:2]:
        return lowering.places(right)
    return lowering.table(("zeros", left.pixels), np.zeros(left.pixels, np.int32))


def _scalars(lowering: Lowering, node: Node) -> Data:
    left, right = (lowering.tensor(name) for name in node.inputs)
    output = lowering.tensor(node.output)
    check_zero_point(output.zero_point)
    low, high = number(node, "qmin"), number(node, "qmax")
    floats = quantise_scalars(lowering.numerics, output, s.ELEMENTWISE_SIZE, low, high)
    integers = floats.view(np.int32)
    for tensor, scale, zero in (
        (left, s.LEFT_SCALE, s.LEFT_ZERO_I32),
        (right, s.RIGHT_SCALE, s.RIGHT_ZERO_I32),
    ):
        floats[scale] = tensor.scale if lowering.numerics == "exact" else round_f18(tensor.scale)
        integers[zero] = tensor.zero_point + 128
        if abs(tensor.zero_point) > MAX_ZERO_POINT:
            raise Unsupported(f"zero point {tensor.zero_point}")
    floats[s.RIGHT_START] = -np.float32(integers[s.RIGHT_ZERO_I32]) * floats[s.RIGHT_SCALE]
    if lowering.numerics == "exact":
        _shorten(node.op, floats)
    return Data(floats)


def _shorten(operation: str, floats: npt.NDArray[np.float32]) -> None:
    """Find out, by trying all pairs of bytes, which shorter formulas give the specification's bytes."""
    integers = floats.view(np.int32)
    stored = np.arange(256, dtype=np.int32)
    left, right = (
        (stored - integers[zero]).astype(np.float32) * floats[scale]
        for scale, zero in ((s.LEFT_SCALE, s.LEFT_ZERO_I32), (s.RIGHT_SCALE, s.RIGHT_ZERO_I32))
    )
    combine: Any = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[operation]
    real = combine(left[:, None], right[None, :])
    low, high = floats[s.LOW], floats[s.HIGH]
    divided = np.clip(np.rint(real / floats[s.DIVISOR]), low, high)
    multiplied = np.clip(np.rint(real * floats[s.INVERSE]), low, high)
    integers[s.RECIPROCAL_I32] = bool((divided == multiplied).all())
    if operation == "mul":
        return
    sign = 1.0 if operation == "add" else -1.0
    a, b = (float(floats[scale]) / float(floats[s.DIVISOR]) for scale in (s.LEFT_SCALE, s.RIGHT_SCALE))
    c = -a * int(integers[s.LEFT_ZERO_I32]) - sign * b * int(integers[s.RIGHT_ZERO_I32])
    found = linear_form(divided, float(low), float(high), a, sign * b, c)
    if found is not None:
        integers[s.LINEAR_I32] = 1
        floats[s.LINEAR_LEFT], floats[s.LINEAR_RIGHT], floats[s.LINEAR_START] = found
