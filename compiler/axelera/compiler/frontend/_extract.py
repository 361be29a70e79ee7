"""The three ONNX files of a partitioned network: preamble, core and postamble.

The host hands 4-D NCHW tensors to the chip and gets such tensors back, whatever rank the network uses at the border:
preamble and postamble hold the reshapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir

from axelera.compiler.frontend._ir import known_shape
from axelera.compiler.frontend._split import Partition
from axelera.compiler.frontend._views import nchw_shape

_SUFFIX = "_nchw"


def extract_core(model: ir.Model, part: Partition) -> onnx.ModelProto:
    """Return the chip's part as a float model, with the network's own ranks and names."""
    return _extract(model, part.inputs, part.outputs, "core")


def extract_preamble(model: ir.Model, part: Partition) -> onnx.ModelProto | None:
    """Return what the host computes before the chip, or None when the chip takes the network's inputs as they are."""
    if not part.before:
        return None
    proto = _extract(model, model.graph.inputs, part.inputs, "preamble")
    names = {value.name: f"{value.name}{_SUFFIX}" for value in part.inputs}
    del proto.graph.output[:]
    for value in part.inputs:
        shape = nchw_shape(known_shape(value))
        _reshape(proto.graph, str(value.name), names[value.name], shape)
        proto.graph.output.append(_info(names[value.name], shape))
    return proto


def extract_postamble(model: ir.Model, part: Partition) -> onnx.ModelProto | None:
    """Return what the host computes after the chip, or None when the chip's outputs are the network's."""
    if not part.after:
        return None
    inside = set(part.after)
    proto = _extract(
        model, part.outputs, [v for v in model.graph.outputs if v.producer() in inside], "postamble"
    )
    del proto.graph.input[:]
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    for value in part.outputs:
        name = f"{value.name}{_SUFFIX}"
        proto.graph.input.append(_info(name, nchw_shape(known_shape(value))))
        _reshape(proto.graph, name, str(value.name), known_shape(value))
    proto.graph.node.extend(nodes)
    del proto.graph.output[:]
    for value in model.graph.outputs:
        proto.graph.output.append(_info(str(value.name), known_shape(value), value))
    return proto


def _extract(
    model: ir.Model, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value], name: str
) -> onnx.ModelProto:
    graph = ir.convenience.extract(model.graph, list(inputs), list(outputs))
    graph.name = name
    proto: onnx.ModelProto = ir.to_proto(ir.Model(graph, ir_version=model.ir_version))
    # The extraction goes through sets, so their order differs from one process to the next.
    proto.graph.initializer.sort(key=lambda tensor: tensor.name)
    proto.graph.value_info.sort(key=lambda value: value.name)
    return proto


def _reshape(graph: onnx.GraphProto, source: str, result: str, shape: Sequence[int]) -> None:
    target = f"{result}_shape"
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(shape, np.int64), target))
    graph.node.append(onnx.helper.make_node("Reshape", [source, target], [result], name=f"{result}_reshape"))


def _info(name: str, shape: Sequence[int], value: ir.Value | None = None) -> onnx.ValueInfoProto:
    kind = onnx.TensorProto.FLOAT if value is None or value.dtype is None else int(value.dtype)
    return onnx.helper.make_tensor_value_info(name, kind, list(shape))
