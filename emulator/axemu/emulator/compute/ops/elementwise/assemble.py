"""`add`, `sub` and `mul` of two tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from axemu.emulator.compute._analysis import attribute, number
from axemu.emulator.compute._arguments import Call
from axemu.emulator.compute._assembler import Assembler, Unsupported
from axemu.emulator.compute._layout import Address, Data, View
from axemu.emulator.compute._scalars import Pair
from axemu.emulator.compute.ops._epilogue import assemble_range
from axemu.emulator.compute.ops._scalars import check_zero_point, quantise
from axemu.model.ops import round_f18
from axemu.model.program import Node

from ._linear import linear_form
from .arguments import ELEMENTWISE, Elementwise

MAX_ZERO_POINT = 3800
"""Up to here q - zero point has 13 bits, and its product with an 11-bit scale is exact in float32."""


def link(assembler: Assembler, node: Node, after: Call, _table: Data | None) -> Call:
    """Return the call for a range."""
    left, right = (assembler.view(name) for name in node.inputs)
    output = assembler.view(node.output)
    dense = all(view.dense and view.shape == output.shape for view in (left, right, output))
    arguments = Elementwise(
        left=Address(left.buffer, left.start),
        left_offsets=assembler.offsets(left),
        right=Address(right.buffer, right.start),
        right_offsets=_right_offsets(assembler, left, right),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        splat=int(right.shape[2] == 1 and left.shape[2] != 1),
        dense=output.width if dense else 0,
        scalars=_scalars(assembler, node),
        after=after.kernel,
        after_arguments=after.arguments,
    )
    return Call(ELEMENTWISE(operation=node.op, numerics=assembler.numerics), arguments)


def _right_offsets(assembler: Assembler, left: View, right: View) -> Data:
    if right.shape[:2] == left.shape[:2]:
        return assembler.offsets(right)
    return assembler.table(("zeros", left.pixels), np.zeros(left.pixels, np.int32))


def _scalars(assembler: Assembler, node: Node) -> Data:
    left, right = (assembler.tensor(name) for name in node.inputs)
    output = assembler.tensor(node.output)
    check_zero_point(output.zero_point)
    exact = assembler.numerics == "exact"
    for tensor in (left, right):
        if abs(tensor.zero_point) > MAX_ZERO_POINT:
            raise Unsupported(f"zero point {tensor.zero_point}")
    rounds = not exact and bool(attribute(node, "round_scales"))
    left_scale, right_scale = (
        np.float32(round_f18(tensor.scale) if rounds else tensor.scale) for tensor in (left, right)
    )
    scalars = Pair(
        **quantise(assembler.numerics, output, number(node, "qmin"), number(node, "qmax")),
        left_scale=float(left_scale),
        left_zero=left.zero_point + 128,
        right_scale=float(right_scale),
        right_zero=right.zero_point + 128,
        right_start=float(-np.float32(right.zero_point + 128) * right_scale),
        exact_products=int(rounds),
    )
    return Data((_shortened(node.op, scalars) if exact else scalars).pack())


def _shortened(operation: str, scalars: Pair) -> Pair:
    """Find out, by trying all pairs of bytes, which shorter formulas give the specification's bytes."""
    stored = np.arange(256, dtype=np.int32)
    left = (stored - scalars.left_zero).astype(np.float32) * scalars.left_scale
    right = (stored - scalars.right_zero).astype(np.float32) * scalars.right_scale
    combine: Any = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[operation]
    real = combine(left[:, None], right[None, :])
    low, high = scalars.low, scalars.high
    divided = np.clip(np.rint(real / scalars.divisor), low, high)
    multiplied = np.clip(np.rint(real * scalars.inverse), low, high)
    scalars = replace(scalars, proven=bool((divided == multiplied).all()))
    if operation == "mul":
        return scalars
    sign = 1.0 if operation == "add" else -1.0
    a, b = (float(scale) / float(scalars.divisor) for scale in (scalars.left_scale, scalars.right_scale))
    c = -a * scalars.left_zero - sign * b * scalars.right_zero
    found = linear_form(divided, float(low), float(high), a, sign * b, c)
    if found is None:
        return scalars
    first, second, start = (float(constant) for constant in found)
    return replace(scalars, linear=1, linear_left=first, linear_right=second, linear_start=start)


OPERATIONS = ("add", "mul", "sub")
ASSEMBLE = dict.fromkeys(OPERATIONS, assemble_range)
LINK = dict.fromkeys(OPERATIONS, link)
