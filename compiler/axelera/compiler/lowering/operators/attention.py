"""Transpose, MatMul and Softmax inside an attention block over the positions of a map."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute
from axelera.compiler.lowering._builder import Builder, Heads
from axelera.compiler.lowering._cannot_lower import CannotLower


def _heads(builder: Builder, value: ir.Value | None) -> Heads:
    view = builder.views.get(value) if value is not None else None
    if isinstance(view, Heads):
        return view
    name = None if value is None else value.name
    raise CannotLower(f"value {name!r} is not the heads of an attention block")


def lower_transpose(builder: Builder, node: ir.Node) -> None:
    """Lower [0, 1, 3, 2] of attention heads: only the way they are read changes."""
    heads = _heads(builder, node.inputs[0])
    if attribute(node, "perm") != (0, 1, 3, 2):
        raise CannotLower("only the last two dimensions of attention heads can be exchanged")
    builder.views[node.outputs[0]] = Heads(heads.tensors, not heads.transposed)


def lower_matmul(builder: Builder, node: ir.Node) -> None:
    """Lower the product of two sets of heads.

    A tensor (H, W, D) is the matrix P of H*W positions by D features; ONNX sees its transpose unless `transposed`.
    """
    left, right = _heads(builder, node.inputs[0]), _heads(builder, node.inputs[1])
    if left.transposed and not right.transposed:  # P_left @ P_right^T: (positions, positions)
        pairs, transpose_b, transposed = zip(left.tensors, right.tensors, strict=True), True, True
    elif not left.transposed and not right.transposed:  # (P_right @ P_left)^T
        pairs, transpose_b, transposed = zip(right.tensors, left.tensors, strict=True), False, False
    elif left.transposed and right.transposed:  # P_left @ P_right
        pairs, transpose_b, transposed = zip(left.tensors, right.tensors, strict=True), False, True
    else:
        raise CannotLower("a product over the positions of both operands does not exist on the chip")
    tensors = []
    for index, (a, b) in enumerate(pairs):
        height, width, _ = builder.shape(a)
        rows, columns, features = builder.shape(b)
        tensors.append(
            builder.add(
                "matmul",
                (a, b),
                (height, width, rows * columns if transpose_b else features),
                node,
                suffix=f"/head{index}",
                observe=node.outputs[0].name,
                attributes={"transpose_b": transpose_b},
            )
        )
    builder.views[node.outputs[0]] = Heads(tuple(tensors), transposed)


def lower_softmax(builder: Builder, node: ir.Node) -> None:
    """Lower Softmax over the keys of every head."""
    heads = _heads(builder, node.inputs[0])
    if attribute(node, "axis", -1) % 4 != (3 if heads.transposed else 2):
        raise CannotLower("Softmax must run over the keys of the attention block")
    tensors = tuple(
        builder.add(
            "softmax",
            (tensor,),
            builder.shape(tensor),
            node,
            suffix=f"/head{index}",
            observe=node.outputs[0].name,
        )
        for index, tensor in enumerate(heads.tensors)
    )
    builder.views[node.outputs[0]] = Heads(tensors, heads.transposed)
