"""Gemm: a convolution whose kernel covers the whole map it flattens."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend import attribute, constant_of, known_shape, optional_input
from axelera.compiler.lowering._builder import Builder, Flattened
from axelera.compiler.lowering._cannot_lower import CannotLower


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower a Gemm with a constant matrix; its input may be a flattened map."""
    view = builder.views.get(node.inputs[0]) if node.inputs[0] is not None else None
    source = view.tensor if isinstance(view, Flattened) else builder.spatial(node.inputs[0])
    if attribute(node, "transA", 0):
        raise CannotLower("a transposed first operand does not exist on the chip")
    matrix, bias = constant_of(node.inputs[1]), constant_of(optional_input(node, 2))
    if matrix is None:
        raise CannotLower("the matrix is computed, not constant")
    rows = matrix if attribute(node, "transB", 0) else matrix.T  # [O, K]
    if (alpha := attribute(node, "alpha", 1.0)) != 1.0:
        rows = rows * np.float32(alpha)
    outputs = known_shape(node.outputs[0])[1]
    offset = np.zeros(outputs, np.float32)
    if bias is not None:
        offset = np.broadcast_to(
            np.asarray(bias, np.float32).reshape(-1) * attribute(node, "beta", 1.0), (outputs,)
        )
    height, width, channels = builder.shape(source)
    if rows.size != outputs * channels * height * width:
        raise CannotLower(f"a matrix of {rows.shape} does not fit a map of {height}x{width}x{channels}")
    weight = rows.reshape(outputs, channels, height, width)
    output = builder.add(
        "conv",
        (source,),
        (1, 1, outputs),
        node,
        value=node.outputs[0],
        attributes={
            "kernel": (height, width),
            "strides": (1, 1),
            "dilations": (1, 1),
            "pads": (0, 0, 0, 0),
            "group": 1,
        },
        parameters={"weight": np.moveaxis(weight, 1, -1), "bias": offset.astype(np.float32)},
    )
    builder.result(node, output)
