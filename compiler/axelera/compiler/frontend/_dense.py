"""Fully connected layers: MatMul by a constant becomes Gemm, and a following Add its bias."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend._ir import (
    add_constant,
    attribute,
    bypass,
    constant_of,
    is_constant,
    optional_input,
    replace_node,
    shape_of,
)


def matmul_to_gemm(node: ir.Node) -> bool:
    """Write a 2-D MatMul by a constant matrix as Gemm."""
    if node.op_type != "MatMul" or not is_constant(node.inputs[1]) or is_constant(node.inputs[0]):
        return False
    left, right = shape_of(node.inputs[0]), shape_of(node.inputs[1])
    if left is None or right is None or len(left) != 2 or len(right) != 2:
        return False
    replace_node(node, ir.Node("", "Gemm", [node.inputs[0], node.inputs[1]], name=node.name))
    return True


def merge_gemm_bias(node: ir.Node) -> bool:
    """Fold an Add of a constant row into the Gemm before it."""
    if node.op_type != "Add" or not is_constant(node.inputs[1]) or node.inputs[0] is None:
        return False
    gemm = node.inputs[0].producer()
    shape = shape_of(node.inputs[0])
    if gemm is None or gemm.op_type != "Gemm" or shape is None or shape_of(node.outputs[0]) != shape:
        return False
    if len(node.inputs[0].uses()) != 1 or node.inputs[0].is_graph_output():
        return False
    if attribute(gemm, "alpha", 1.0) != 1.0 or attribute(gemm, "beta", 1.0) != 1.0:
        return False
    old, extra = constant_of(optional_input(gemm, 2)), constant_of(node.inputs[1])
    if extra is None or (optional_input(gemm, 2) is not None and old is None):
        return False
    total = np.broadcast_to(np.asarray(extra, np.float32), shape)[0].copy()
    if old is not None:
        total += np.broadcast_to(old, shape)[0]
    assert isinstance(gemm.graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    constant = add_constant(gemm.graph, f"{gemm.outputs[0].name}_bias", total)
    if len(gemm.inputs) < 3:
        gemm.resize_inputs(3)
    gemm.replace_input_with(2, constant)
    bypass(node, gemm.outputs[0])
    return True
