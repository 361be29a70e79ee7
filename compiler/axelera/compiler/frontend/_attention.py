"""Finding the attention blocks (as in YOLO11) that the chip can run: self-attention over the positions of a map."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend._ir import attribute, constant_of, data_inputs, shape_of


def attention_nodes(graph: ir.Graph) -> frozenset[ir.Node]:
    """Return every node that belongs to a complete attention block.

    A block is: a map [1,C,H,W] reshaped to heads [1,h,D,N], partitioned into query, key and value by Split or Slice along D,
    query transposed, MatMul, an optional scalar Mul, Softmax over the keys, an optional Transpose, MatMul with the
    value, and a Reshape back to a map.
    """
    found: set[ir.Node] = set()
    for node in graph:
        if node.op_type == "Softmax" and (block := _block(node)) is not None:
            found |= block
    return frozenset(found)


def _block(softmax: ir.Node) -> set[ir.Node] | None:
    shape = shape_of(softmax.inputs[0])
    if shape is None or len(shape) != 4 or attribute(softmax, "axis", -1) % 4 != 3:
        return None
    block = {softmax}
    scores = softmax.inputs[0].producer() if softmax.inputs[0] is not None else None
    if scores is not None and _is_scaling(scores):
        block.add(scores)
        scores = data_inputs(scores)[0].producer()
    if scores is None or scores.op_type != "MatMul":
        return None
    block.add(scores)
    output = softmax.outputs[0]
    while (user := _only_user(output)) is not None and user.op_type == "Transpose":
        block.add(user)
        output = user.outputs[0]
    if user is None or user.op_type != "MatMul":
        return None
    block.add(user)
    operands = [*scores.inputs, *(value for value in user.inputs if value is not output)]
    for operand in operands:
        if not _from_map(operand, block):
            return None
    return block if _to_map(user.outputs[0], block) else None


def _is_scaling(node: ir.Node) -> bool:
    """Tell whether `node` multiplies by one constant number, the 1/sqrt(D) of attention."""
    if node.op_type != "Mul" or len(data_inputs(node)) != 1:
        return False
    factor = constant_of(node.inputs[1])
    return factor is not None and factor.size == 1


def _only_user(value: ir.Value) -> ir.Node | None:
    users = value.consumers()
    return users[0] if len(users) == 1 and not value.is_graph_output() else None


def _from_map(value: ir.Value | None, block: set[ir.Node]) -> bool:
    """Follow a query, key or value back to the Reshape that made heads of a map, adding the nodes on the way."""
    while value is not None and (node := value.producer()) is not None:
        shape = shape_of(node.inputs[0])
        block.add(node)
        if node.op_type == "Reshape":
            _add_map_reshapes(node.outputs[0], block)
            result = shape_of(node.outputs[0])
            return (
                shape is not None
                and result is not None
                and len(shape) == 4
                and (shape[2] * shape[3] == result[-1] and shape[1] == result[1] * result[2])
            )
        if node.op_type not in ("Transpose", "Split", "Slice") and not _is_scaling(node):
            return False
        if node.op_type in ("Split", "Slice"):
            for output in node.outputs:
                _add_map_reshapes(output, block)
        value = node.inputs[0]
    return False


def _add_map_reshapes(value: ir.Value, block: set[ir.Node]) -> None:
    """Add reshapes of heads back to a map, such as the one before the positional convolution."""
    for user in value.consumers():
        if user.op_type == "Reshape":
            _to_map(value, block)


def _to_map(value: ir.Value, block: set[ir.Node]) -> bool:
    before = shape_of(value)
    users = [user for user in value.consumers() if user.op_type == "Reshape"]
    good = False
    for user in users:
        after = shape_of(user.outputs[0])
        if before is None or after is None or len(before) != 4 or len(after) != 4:
            continue
        if after[1] == before[1] * before[2] and after[2] * after[3] == before[3]:
            block.add(user)
            good = True
    return good
