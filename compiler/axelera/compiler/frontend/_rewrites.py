"""Rewrites of single operators: same values, fewer and plainer operators. Each says whether it changed something."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend._ir import (
    add_constant,
    attribute,
    bypass,
    constant_of,
    data_inputs,
    integers,
    is_constant,
    optional_input,
    replace_node,
    shape_of,
    spatial_attributes,
)

_SHAPING = frozenset({"Reshape", "Expand", "Flatten", "Squeeze", "Unsqueeze"})


def remove_no_op(node: ir.Node) -> bool:
    """Remove operators that change nothing: Identity, Dropout, and shape, type and padding operators without effect."""
    source, output = node.inputs[0] if node.inputs else None, node.outputs[0]
    if source is None or is_constant(source) or not _changes_nothing(node):
        return False
    if output.is_graph_output() and (source.producer() is None or source.is_graph_output()):
        if node.op_type == "Identity":
            return False
        replace_node(node, ir.Node("", "Identity", [source], name=node.name))  # both ends have names to keep
        return True
    bypass(node, source)
    return True


def _changes_nothing(node: ir.Node) -> bool:
    kind, source = node.op_type, node.inputs[0]
    if kind in _SHAPING:
        return shape_of(node.outputs[0]) is not None and shape_of(source) == shape_of(node.outputs[0])
    if kind == "Dropout":
        return _drops_nothing(node)
    if kind == "Cast":
        return source is not None and source.dtype == node.outputs[0].dtype
    if kind == "Transpose":
        perm = attribute(node, "perm")
        return perm is not None and perm == tuple(range(len(perm)))
    if kind == "Pad":
        amounts = integers(optional_input(node, 1))
        return amounts is not None and not any(amounts)
    return kind == "Identity"


def _drops_nothing(node: ir.Node) -> bool:
    """Tell whether a Dropout is one for inference whose mask nobody asks for."""
    training = optional_input(node, 2)
    if training is not None and (constant_of(training) is None or np.any(constant_of(training))):
        return False
    return all(not output.uses() and not output.is_graph_output() for output in node.outputs[1:])


def reduce_to_global_pool(node: ir.Node) -> bool:
    """ReduceMean/ReduceMax over height and width is a global pool (and a Flatten when the axes are dropped)."""
    kinds = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}
    if node.op_type not in kinds:
        return False
    shape = shape_of(node.inputs[0])
    axes = attribute(node, "axes") or integers(optional_input(node, 1))
    if shape is None or len(shape) != 4 or axes is None or {axis % 4 for axis in axes} != {2, 3}:
        return False
    pool = ir.Node("", kinds[node.op_type], [node.inputs[0]], name=node.name)
    if attribute(node, "keepdims", 1):
        replace_node(node, pool)
        return True
    assert isinstance(node.graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    node.graph.insert_before(node, pool)
    pool.outputs[0].name = f"{node.outputs[0].name}_pooled"
    pool.outputs[0].shape = ir.Shape((*shape[:2], 1, 1))
    pool.outputs[0].type = node.outputs[0].type
    replace_node(node, ir.Node("", "Flatten", [pool.outputs[0]], {"axis": ir.AttrInt64("axis", 1)}))
    return True


def canonical_constant_order(node: ir.Node) -> bool:
    """Put the computed operand of Add and Mul first."""
    if node.op_type not in ("Add", "Mul") or len(data_inputs(node)) != 1 or not is_constant(node.inputs[0]):
        return False
    first, second = node.inputs
    node.replace_input_with(0, second)
    node.replace_input_with(1, first)
    return True


def divide_to_multiply(node: ir.Node) -> bool:
    """Division by a constant is multiplication by its reciprocal; Sub of a constant is an Add."""
    if node.op_type not in ("Div", "Sub") or is_constant(node.inputs[0]):
        return False
    array = constant_of(node.inputs[1])
    if array is None or array.dtype != np.float32 or array.size > 1 << 16:
        return False
    if node.op_type == "Div" and not np.all(array):
        return False
    with np.errstate(over="ignore"):
        new = (1.0 / array.astype(np.float64)).astype(np.float32) if node.op_type == "Div" else -array
    assert isinstance(node.graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    constant = add_constant(node.graph, f"{node.outputs[0].name}_operand", new)
    kind = "Mul" if node.op_type == "Div" else "Add"
    replace_node(node, ir.Node("", kind, [node.inputs[0], constant], name=node.name))
    return True


def sum_to_add(node: ir.Node) -> bool:
    """Sum of several maps is a chain of Adds."""
    if node.op_type != "Sum" or len(node.inputs) < 2 or not isinstance(node.graph, ir.Graph):
        return False
    total = node.inputs[0]
    for index, value in enumerate(node.inputs[1:-1]):
        add = ir.Node("", "Add", [total, value], name=f"{node.name or node.outputs[0].name}_{index}")
        node.graph.insert_before(node, add)
        add.outputs[0].name = f"{node.outputs[0].name}_{index}"
        add.outputs[0].type = node.outputs[0].type
        total = add.outputs[0]
    replace_node(node, ir.Node("", "Add", [total, node.inputs[-1]], name=node.name))
    return True


def drop_unused_region(node: ir.Node) -> bool:
    """Resize looks at its region of interest in one mode only; converters give it in all."""
    if node.op_type != "Resize" or optional_input(node, 1) is None:
        return False
    if attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        return False
    node.replace_input_with(1, None)
    return True


def whole_plane_pool(node: ir.Node) -> bool:
    """GlobalAveragePool spelled as an AveragePool over the whole plane."""
    if node.op_type != "AveragePool" or any(spatial_attributes(node)["pads"]):
        return False
    shape = shape_of(node.inputs[0])
    if shape is None or len(shape) != 4 or attribute(node, "kernel_shape") != shape[2:]:
        return False
    replace_node(node, ir.Node("", "GlobalAveragePool", [node.inputs[0]], name=node.name))
    return True
