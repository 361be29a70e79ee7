"""Conv: weights [O, I/group, kh, kw] become [O, kh, kw, I/group]; the bias is a parameter of the node."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend import attribute, constant_of, known_shape, optional_input
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering.operators._window import explicit_window


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower a Conv with constant weights."""
    source = builder.spatial(node.inputs[0])
    weight, bias = constant_of(node.inputs[1]), constant_of(optional_input(node, 2))
    if weight is None:
        raise CannotLower("the weights are computed, not constant")
    spatial = explicit_window(node)
    _, _, kernel_h, kernel_w = known_shape(node.inputs[1])
    output = builder.add(
        "conv",
        (source,),
        builder.output_shape(node),
        node,
        value=node.outputs[0],
        attributes={
            "kernel": (kernel_h, kernel_w),
            "strides": spatial["strides"],
            "dilations": spatial["dilations"],
            "pads": spatial["pads"],
            "group": attribute(node, "group", 1),
        },
        parameters={
            "weight": np.moveaxis(weight, 1, -1),
            "bias": np.zeros(weight.shape[0], np.float32) if bias is None else bias,
        },
    )
    builder.result(node, output)
