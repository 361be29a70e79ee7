"""ConvTranspose: weights [I, O/group, kh, kw] become [O, kh, kw, I/group]."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend import attribute, constant_of, optional_input
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering.operators._window import explicit_window


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower a ConvTranspose with constant weights."""
    source = builder.spatial(node.inputs[0])
    weight, bias = constant_of(node.inputs[1]), constant_of(optional_input(node, 2))
    if weight is None:
        raise CannotLower("the weights are computed, not constant")
    spatial = explicit_window(node)
    group = attribute(node, "group", 1)
    inputs, outputs_per_group, kernel_h, kernel_w = weight.shape
    grouped = weight.reshape(group, inputs // group, outputs_per_group, kernel_h, kernel_w)
    reordered = grouped.transpose(0, 2, 3, 4, 1).reshape(group * outputs_per_group, kernel_h, kernel_w, -1)
    output = builder.add(
        "conv_transpose",
        (source,),
        builder.output_shape(node),
        node,
        value=node.outputs[0],
        attributes={
            "kernel": (kernel_h, kernel_w),
            "strides": spatial["strides"],
            "dilations": spatial["dilations"],
            "pads": spatial["pads"],
            "output_padding": tuple(attribute(node, "output_padding", (0, 0))),
            "group": group,
        },
        parameters={
            "weight": reordered,
            "bias": np.zeros(reordered.shape[0], np.float32) if bias is None else bias,
        },
    )
    builder.result(node, output)
