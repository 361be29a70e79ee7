"""Views of a map that leave the chip: the host makes them.

The chip holds a map as (H, W, C). A Flatten or Reshape only says how it is to be read, in the order of NCHW, which is the
order in memory for one pixel or one channel alone. A fully connected layer takes that into its weights; whoever reads the
chip's outputs cannot, so there the map crosses the border and the view follows in the host's part.
"""

from __future__ import annotations

from collections.abc import Collection

import onnx_ir as ir

from axelera.compiler.frontend._ir import shape_of

_VIEWS = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})


def nchw_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the 4-D NCHW shape under which a value crosses the border between host and chip."""
    if len(shape) == 4:
        return shape[0], shape[1], shape[2], shape[3]
    if len(shape) == 3:
        return shape[0], shape[1], 1, shape[2]
    if len(shape) == 2:
        return shape[0], shape[1], 1, 1
    return 1, shape[0] if shape else 1, 1, 1


def leave_views_to_host(
    graph: ir.Graph, before: set[ir.Node], after: set[ir.Node], attention: Collection[ir.Node]
) -> None:
    """Move views that are read outside the chip into `after`, in place; for what reads one on the chip a twin stays.

    Only what joins the heads of an attention block is no view: the chip makes a map of them.
    """
    for node in reversed(list(graph)):
        if node in before or node in after or not _reorders(node):
            continue
        if node in attention and _joins(node):
            continue
        output = node.outputs[0]
        inside = [(user, index) for user, index in output.uses() if user not in after]
        if not inside and (output.uses() or output.is_graph_output()):
            after.add(node)
        elif output.is_graph_output() or len(inside) < len(output.uses()):
            after.add(node)
            twin = _twin(graph, node)
            for user, index in inside:
                user.replace_input_with(index, twin.outputs[0])


def _reorders(node: ir.Node) -> bool:
    """Tell whether `node` is a view whose values lie in another order, or under another shape, than those of its input."""
    if node.op_type not in _VIEWS or node.domain not in ("", "ai.onnx"):
        return False
    shape, result = shape_of(node.inputs[0]), shape_of(node.outputs[0])
    return shape is not None and result is not None and nchw_shape(shape) != nchw_shape(result)


def _joins(node: ir.Node) -> bool:
    """Tell whether a node of an attention block makes a map (1, h*D, H, W) of heads (1, h, D, H*W)."""
    shape, result = shape_of(node.inputs[0]) or (), shape_of(node.outputs[0]) or ()
    if len(shape) != 4 or len(result) != 4:
        return False
    return result[1] == shape[1] * shape[2] and result[2] * result[3] == shape[3]


def _twin(graph: ir.Graph, node: ir.Node) -> ir.Node:
    """Put a copy of `node` in front of it, under names of its own."""
    output = node.outputs[0]
    twin = ir.Node(
        node.domain, node.op_type, node.inputs, node.attributes.values(), name=f"{node.name}_on_chip"
    )
    result = twin.outputs[0]
    result.name, result.shape, result.type = f"{output.name}_on_chip", output.shape, output.type
    graph.insert_before(node, twin)
    return twin
