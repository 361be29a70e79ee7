"""Parameters and multiply-accumulate operations of an ONNX graph."""

from __future__ import annotations

import math
from dataclasses import dataclass

import onnx
from onnx import numpy_helper

# The operators whose second and later inputs are weights.
_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "BatchNormalization")


@dataclass(frozen=True, slots=True)
class Counts:
    """Size of a network.

    Attributes:
        parameters: elements of all weights, biases and normalisation statistics.
        macs: multiply-accumulate operations per image.
    """

    parameters: int
    macs: int


def count(model: onnx.ModelProto) -> Counts:
    """Count the parameters and operations of a model whose shapes are all known.

    Weights that stand in the file as `ConstantOfShape` count as if they were there.

    Raises:
        ValueError: a shape that is needed is unknown.
    """
    shapes = _shapes(model)

    def shape(name: str, node: onnx.NodeProto) -> tuple[int, ...]:
        if name not in shapes:
            msg = f"node {node.name or node.op_type}: the shape of tensor {name} is unknown"
            raise ValueError(msg)
        return shapes[name]

    weights: dict[str, int] = {}
    macs = 0
    for node in model.graph.node:
        if node.op_type in _WEIGHTED:
            weights.update({name: math.prod(shape(name, node)) for name in node.input[1:] if name})
        if node.op_type == "Conv":
            macs += math.prod(shape(node.output[0], node)) * math.prod(shape(node.input[1], node)[1:])
        elif node.op_type == "ConvTranspose":
            macs += math.prod(shape(node.input[0], node)) * math.prod(shape(node.input[1], node)[1:])
        elif node.op_type in ("Gemm", "MatMul"):
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            inner = shape(node.input[0], node)[-2 if transposed else -1]
            macs += math.prod(shape(node.output[0], node)) * inner
    return Counts(sum(weights.values()), macs)


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Known shapes by tensor name; inferred where the file does not state them."""
    found = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    values = {
        t.name: numpy_helper.to_array(t)
        for t in model.graph.initializer
        if t.data_type == onnx.TensorProto.INT64
    }
    for node in model.graph.node:
        if node.op_type == "ConstantOfShape" and node.input[0] in values:
            found[node.output[0]] = tuple(int(size) for size in values[node.input[0]])
    graph = model.graph
    if len(graph.value_info) < len(graph.node) // 2:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    for info in (*graph.input, *graph.value_info, *graph.output):
        dims = info.type.tensor_type.shape.dim
        if dims and all(dim.HasField("dim_value") for dim in dims):
            found[info.name] = tuple(dim.dim_value for dim in dims)
    return found
