"""Multiply-accumulates of a float operator: what decides whether work belongs to the chip or to the host."""

from __future__ import annotations

import math

import onnx_ir as ir

from axelera.compiler.frontend._ir import shape_of


def multiply_accumulates(node: ir.Node) -> int:
    """Return the multiply-accumulates of one frame through `node`; 0 for operators that only move or map values."""
    shapes = [None if value is None else shape_of(value) for value in node.inputs]
    output = shape_of(node.outputs[0])
    if output is None or len(shapes) < 2 or shapes[0] is None or shapes[1] is None:
        return 0
    if node.op_type == "Conv":
        return math.prod(output) * math.prod(shapes[1][1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shapes[0]) * math.prod(shapes[1][1:])
    if node.op_type in ("Gemm", "MatMul") and shapes[0]:
        return math.prod(output) * shapes[0][-1]
    return 0
