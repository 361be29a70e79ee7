"""Networks whose files hold placeholders for weights: what goes in, how many there are, and random ones in their place."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def reseeded(path: Path) -> onnx.ModelProto:
    """Return the network with normal weights of a fitting size where the file has placeholders."""
    model = onnx.load(path)
    generator = np.random.default_rng(0)
    shapes = _placeholders(model)
    kept = []
    for node in model.graph.node:
        shape = shapes.get(node.output[0], ())
        if len(shape) < 2:
            kept.append(node)  # biases and statistics keep their constant
            continue
        spread = np.float32(np.sqrt(2 / np.prod(shape[1:])))
        weight = generator.standard_normal(shape, np.float32) * spread
        model.graph.initializer.append(numpy_helper.from_array(weight, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.ir_version = max(model.ir_version, 8)  # older versions list constants as inputs
    return model


def parameters(model: onnx.ModelProto) -> int:
    """Return how many numbers the file holds as float constants, placeholders included."""
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    tensors = [*model.graph.initializer]
    tensors += [a.t for node in model.graph.node if node.op_type == "Constant" for a in node.attribute]
    stored = sum(math.prod(tensor.dims) for tensor in tensors if tensor.data_type in floats)
    return stored + sum(math.prod(shape) for shape in _placeholders(model).values())


def input_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs that are no constants; a dynamic batch is 1."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return {
        value.name: tuple(dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim)
        for value in model.graph.input
        if value.name not in constants
    }


def _placeholders(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes of constants that a file spells with ConstantOfShape, by the name of the value."""
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    return {
        node.output[0]: tuple(int(extent) for extent in numpy_helper.to_array(known[node.input[0]]))
        for node in model.graph.node
        if node.op_type == "ConstantOfShape" and node.input[0] in known
    }
