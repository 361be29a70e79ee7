"""One type for what the host feeds and the float network computes: float32."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from axelera.compiler.frontend._tools import tool

_REAL = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})
_FED = frozenset(
    {
        TensorProto.BOOL, TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
        TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
    }
)  # fmt: skip


def use_float32(proto: onnx.ModelProto) -> None:
    """Make every real number of a model float32, and let it take its integer inputs as float32; in place.

    Half precision becomes exact, double precision is rounded: what follows is rounded to 8 bits anyway.
    """
    _widen_graph(proto.graph)
    for function in proto.functions:
        _widen_nodes(function.node)
    _cast_inputs(proto.graph)


def _widen_graph(graph: onnx.GraphProto) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type in _REAL:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in graph.initializer:
        _widen_tensor(tensor)
    _widen_nodes(graph.node)


def _widen_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        for entry in node.attribute:
            if entry.name in ("to", "dtype") and entry.i in _REAL:
                entry.i = TensorProto.FLOAT
            for tensor in (entry.t, *entry.tensors):
                _widen_tensor(tensor)
            for graph in (entry.g, *entry.graphs):
                _widen_graph(graph)


def _widen_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_type not in _REAL:
        return
    with np.errstate(over="ignore"):  # what is infinite now is refused with its name later
        with tool():
            real = numpy_helper.to_array(tensor)
        wide = real.astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


def _cast_inputs(graph: onnx.GraphProto) -> None:
    casts = []
    for value in graph.input:
        kind = value.type.tensor_type.elem_type
        if kind not in _FED:
            continue
        fresh = f"{value.name}_as_{TensorProto.DataType.Name(kind).lower()}"
        _rename(graph, value.name, fresh)
        casts.append(helper.make_node("Cast", [value.name], [fresh], name=fresh, to=kind))
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    nodes = [*casts, *graph.node]
    if casts:
        del graph.node[:]
        graph.node.extend(nodes)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
        for entry in node.attribute:
            for inner in (entry.g, *entry.graphs):
                _rename(inner, old, new)
