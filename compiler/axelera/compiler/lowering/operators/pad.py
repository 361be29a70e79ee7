"""Pad by zeros, away from a convolution that could take it in."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend import attribute, constant_of, integers, optional_input
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower a constant Pad of height, width or channels; the value is the zero point, filled in when it is known."""
    source = builder.spatial(node.inputs[0])
    filling = optional_input(node, 2)
    value = 0 if filling is None else constant_of(filling)
    if attribute(node, "mode", "constant") != "constant" or value is None or np.any(value):
        raise CannotLower("only padding with the constant 0 exists on the chip")
    amounts = integers(node.inputs[1])
    axes = integers(optional_input(node, 3)) or (0, 1, 2, 3)
    if amounts is None or len(amounts) != 2 * len(axes):
        raise CannotLower("the amounts of the padding are computed, not constant")
    before, after = [0] * 4, [0] * 4
    for index, axis in enumerate(axes):
        before[axis % 4], after[axis % 4] = amounts[index], amounts[index + len(axes)]
    if min(*before, *after) < 0 or before[0] or after[0]:
        raise CannotLower("negative padding and padding of the batch do not exist on the chip")
    output = builder.add(
        "pad",
        (source,),
        builder.output_shape(node),
        node,
        value=node.outputs[0],
        attributes={
            "before": (before[2], before[3], before[1]),
            "after": (after[2], after[3], after[1]),
            "value": 0,
        },
    )
    builder.result(node, output)
