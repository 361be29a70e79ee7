"""Folding batch norms and constant scale/shift operators into the convolution before them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from axelera.compiler.frontend._ir import (
    add_constant,
    attribute,
    bypass,
    constant_of,
    is_constant,
    known_shape,
    optional_input,
    replace_node,
    shape_of,
)

Vector = npt.NDArray[np.float64]


def channel_vector(array: npt.NDArray[np.generic], rank: int, channels: int) -> Vector | None:
    """Return a constant that broadcasts as a scalar or per channel (axis 1) as a vector of `channels` numbers."""
    if array.size == 1:
        return np.full(channels, float(array.reshape(-1)[0]), np.float64)
    aligned = (1,) * (rank - array.ndim) + array.shape
    if len(aligned) != rank or array.size != channels or aligned[1] != channels:
        return None
    return array.reshape(-1).astype(np.float64)


def batch_norm_affine(node: ir.Node) -> tuple[Vector, Vector] | None:
    """Return (multiplier, addend) per channel of an inference-mode BatchNormalization with constant statistics."""
    if attribute(node, "training_mode", 0):
        return None
    parameters = [constant_of(optional_input(node, index)) for index in range(1, 5)]
    if any(parameter is None for parameter in parameters):
        return None
    gamma, beta, mean, variance = (np.asarray(p, np.float64) for p in parameters)
    if gamma.ndim != 1 or len({gamma.shape, beta.shape, mean.shape, variance.shape}) != 1:
        return None
    multiplier = gamma / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    return multiplier, beta - mean * multiplier


def fold_batch_norm(node: ir.Node) -> bool:
    """Fold a BatchNormalization into the convolution it follows; elsewhere write it as a Mul and an Add."""
    if node.op_type != "BatchNormalization" or (affine := batch_norm_affine(node)) is None:
        return False
    producer = _sole_conv(node)
    if producer is not None:
        return _scale_conv(producer, node, *affine)
    shape = shape_of(node.inputs[0])
    graph = node.graph
    if shape is None or not isinstance(graph, ir.Graph):
        return False
    broadcast = (1, -1) + (1,) * (len(shape) - 2)
    base = node.outputs[0].name
    factor = add_constant(graph, f"{base}_multiplier", affine[0].astype(np.float32).reshape(broadcast))
    addend = add_constant(graph, f"{base}_addend", affine[1].astype(np.float32).reshape(broadcast))
    product = ir.Node("", "Mul", [node.inputs[0], factor], name=f"{node.name or base}_mul")
    graph.insert_before(node, product)
    product.outputs[0].name = f"{base}_scaled"
    product.outputs[0].shape, product.outputs[0].type = node.outputs[0].shape, node.outputs[0].type
    replace_node(node, ir.Node("", "Add", [product.outputs[0], addend], name=f"{node.name or base}_add"))
    return True


def fold_affine_into_conv(node: ir.Node) -> bool:
    """Fold Mul or Add by a scalar or per-channel constant into the convolution it follows."""
    if node.op_type not in ("Mul", "Add") or not is_constant(node.inputs[1]):
        return False
    producer = _sole_conv(node)
    array = constant_of(node.inputs[1])
    if producer is None or array is None or not np.issubdtype(array.dtype, np.floating):
        return False
    shape = known_shape(producer.outputs[0])
    vector = channel_vector(array, len(shape), shape[1])
    if vector is None or shape_of(node.outputs[0]) != shape:
        return False
    if node.op_type == "Mul":
        return _scale_conv(producer, node, vector, np.zeros_like(vector))
    return _scale_conv(producer, node, np.ones_like(vector), vector)


def _sole_conv(node: ir.Node) -> ir.Node | None:
    """Return the convolution that feeds only `node`, when its weights are constants."""
    value = node.inputs[0]
    producer = value.producer() if value is not None else None
    if producer is None or value is None or producer.op_type not in ("Conv", "ConvTranspose"):
        return None
    if len(value.uses()) != 1 or value.is_graph_output() or shape_of(value) is None:
        return None
    bias = optional_input(producer, 2)
    if not is_constant(producer.inputs[1]) or (bias is not None and not is_constant(bias)):
        return None
    return producer


def _scale_conv(conv: ir.Node, node: ir.Node, multiplier: Vector, addend: Vector) -> bool:
    graph = conv.graph
    weight, bias = constant_of(conv.inputs[1]), constant_of(optional_input(conv, 2))
    if weight is None or not isinstance(graph, ir.Graph) or weight.dtype != np.float32:
        return False
    if bias is not None and bias.shape != addend.shape:  # refused with its name later
        return False
    if conv.op_type == "Conv":
        scaled = (
            weight
            if np.all(multiplier == 1.0)
            else weight * multiplier.reshape((-1,) + (1,) * (weight.ndim - 1))
        )
    else:  # [inputs, outputs / group, kernel...]
        group = attribute(conv, "group", 1)
        per_group = multiplier.reshape(group, 1, -1)
        folded = weight.reshape(group, weight.shape[0] // group, weight.shape[1], *weight.shape[2:])
        scaled = (folded * per_group.reshape(*per_group.shape, *(1,) * (weight.ndim - 2))).reshape(
            weight.shape
        )
    old_bias = np.zeros_like(addend) if bias is None else bias.astype(np.float64)
    new_bias = (old_bias * multiplier + addend).astype(np.float32)
    base = conv.outputs[0].name
    if scaled is not weight:
        conv.replace_input_with(1, add_constant(graph, f"{base}_weight", scaled.astype(np.float32)))
    constant = add_constant(graph, f"{base}_bias", new_bias)
    if len(conv.inputs) > 2:
        conv.replace_input_with(2, constant)
    else:
        conv.resize_inputs(3)
        conv.replace_input_with(2, constant)
    bypass(node, conv.outputs[0])
    return True
