"""Add, Sub and Mul of two maps, or of a map and a constant."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend import channel_vector, constant_of, known_shape
from axelera.compiler.lowering._builder import Builder, Heads, spatial_shape
from axelera.compiler.lowering._cannot_lower import CannotLower


def lower_add(builder: Builder, node: ir.Node) -> None:
    """Lower Add."""
    _lower(builder, node, "add")


def lower_sub(builder: Builder, node: ir.Node) -> None:
    """Lower Sub; a constant minuend makes it a negation and a shift."""
    _lower(builder, node, "sub")


def lower_mul(builder: Builder, node: ir.Node) -> None:
    """Lower Mul; inside an attention block by a scalar, elsewhere of maps or by constants."""
    view = builder.views.get(node.inputs[0]) if node.inputs[0] is not None else None
    if isinstance(view, Heads):
        _scale_heads(builder, node, view)
        return
    _lower(builder, node, "mul")


def _lower(builder: Builder, node: ir.Node, op: str) -> None:
    left, right = node.inputs
    first, second = constant_of(left), constant_of(right)
    if first is None and second is None:
        if len(known_shape(left)) != len(known_shape(right)):
            raise CannotLower("maps of different rank cannot be combined on the chip")
        a, b = builder.spatial(left), builder.spatial(right)
        shape = builder.output_shape(node)
        if builder.shape(a) != shape and op != "sub":
            a, b = b, a
        if builder.shape(a) != shape:
            raise CannotLower(f"neither operand has the shape {shape} of the result")
        builder.result(node, builder.add(op, (a, b), shape, node, value=node.outputs[0]))
        return
    value, array = (right, first) if first is not None else (left, second)
    assert value is not None and array is not None  # noqa: S101, PT018  a node of two constants was folded
    _lower_constant(builder, node, op, value, array, constant_first=first is not None)


def _lower_constant(
    builder: Builder, node: ir.Node, op: str, value: ir.Value, array: np.ndarray, *, constant_first: bool
) -> None:
    source = builder.spatial(value)
    shape = known_shape(node.outputs[0])
    channels = builder.shape(source)[2]
    vector = channel_vector(array, len(shape), channels)
    if vector is None:
        _lower_map_constant(builder, node, op, source, array, constant_first=constant_first)
        return
    one, zero = np.ones_like(vector), np.zeros_like(vector)
    multiplier, addend = {
        "mul": (vector, zero),
        "add": (one, vector),
        "sub": (-one, vector) if constant_first else (one, -vector),
    }[op]
    producer = builder.sole_producer(source, value)
    bounded = builder.activations[source]
    if producer is not None and producer.op == "affine" and (bounded.low, bounded.high) == (None, None):
        inner_multiplier, inner_addend = producer.parameters["multiplier"], producer.parameters["addend"]
        producer.parameters = {
            "multiplier": inner_multiplier * multiplier,
            "addend": inner_addend * multiplier + addend,
        }
        bounded.observe = bounded.value = node.outputs[0].name
        producer.source += (node.name or "",)
        builder.result(node, source)
        return
    output = builder.add(
        "affine",
        (source,),
        builder.shape(source),
        node,
        value=node.outputs[0],
        parameters={"multiplier": multiplier, "addend": addend},
    )
    builder.result(node, output)


def _lower_map_constant(
    builder: Builder, node: ir.Node, op: str, source: str, array: np.ndarray, *, constant_first: bool
) -> None:
    """Handle a constant that differs by position: a constant tensor of its own."""
    shape = builder.output_shape(node)
    aligned = array.reshape((1,) * (4 - array.ndim) + array.shape)
    if builder.shape(source) != shape or aligned.shape[0] != 1:
        raise CannotLower(f"a constant of shape {array.shape} cannot be combined with a map of shape {shape}")
    height, width, channels = spatial_shape(aligned.shape)
    allowed = {shape, (1, 1, shape[2]), (1, 1, 1), (shape[0], shape[1], 1)}
    real = np.moveaxis(aligned[0], 0, -1)
    if (height, width, channels) not in allowed:
        real = np.broadcast_to(real, shape)
    constant = builder.add("constant", (), real.shape, node, suffix="/constant", parameters={"value": real})
    pair = (constant, source) if constant_first and op == "sub" else (source, constant)
    builder.result(node, builder.add(op, pair, shape, node, value=node.outputs[0]))


def _scale_heads(builder: Builder, node: ir.Node, view: Heads) -> None:
    array = constant_of(node.inputs[1])
    if array is None or array.size != 1:
        raise CannotLower("inside an attention block only a scalar constant may scale the scores")
    factor = float(array.reshape(-1)[0])
    tensors = []
    for index, tensor in enumerate(view.tensors):
        channels = builder.shape(tensor)[2]
        tensors.append(
            builder.add(
                "affine",
                (tensor,),
                builder.shape(tensor),
                node,
                suffix=f"/head{index}",
                observe=node.outputs[0].name,
                parameters={"multiplier": np.full(channels, factor), "addend": np.zeros(channels)},
            )
        )
    builder.views[node.outputs[0]] = Heads(tuple(tensors), view.transposed)
