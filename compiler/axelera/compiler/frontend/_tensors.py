"""Stored tensors: whether they hold as many values as their dimensions say, and fit the nodes that read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import onnx
import onnx_ir as ir
from onnx import TensorProto, helper

from axelera.compiler._errors import ModelError
from axelera.compiler.frontend._ir import attribute, is_standard, node_label, optional_input, shape_of

_BITS: dict[int, int] = {
    TensorProto.DOUBLE: 64, TensorProto.INT64: 64, TensorProto.UINT64: 64, TensorProto.COMPLEX64: 64,
    TensorProto.COMPLEX128: 128, TensorProto.FLOAT: 32, TensorProto.INT32: 32, TensorProto.UINT32: 32,
    TensorProto.FLOAT16: 16, TensorProto.BFLOAT16: 16, TensorProto.INT16: 16, TensorProto.UINT16: 16,
    TensorProto.INT8: 8, TensorProto.UINT8: 8, TensorProto.BOOL: 8, TensorProto.INT4: 4, TensorProto.UINT4: 4,
}  # fmt: skip


_WEIGHTS = {"Conv": 3, "ConvTranspose": 3, "Gemm": 2}
"""Operators with weights, and the least rank of these."""


def check_tensors(graph: onnx.GraphProto, name: str) -> None:
    """Refuse tensors that hold more or fewer values than their dimensions say.

    Raises:
        ModelError: names model, tensor, both counts.
    """
    for tensor in _tensors(graph):
        if problem := _problem(tensor):
            raise ModelError(
                f"tensor {tensor.name!r} of model {name!r} {problem}; the file is damaged, export it again"
            )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for entry in node.attribute:
            if entry.HasField("t"):
                yield entry.t
            yield from entry.tensors
            if entry.HasField("g"):
                yield from _tensors(entry.g)
            for inner in entry.graphs:
                yield from _tensors(inner)


def _problem(tensor: onnx.TensorProto) -> str:
    if any(extent < 0 for extent in tensor.dims):
        return f"has dimensions {list(tensor.dims)[:8]}"
    wanted = math.prod(tensor.dims)
    if tensor.data_location == TensorProto.EXTERNAL or tensor.data_type not in _BITS:
        return ""  # read later, and of no type this compiler takes
    bits = _BITS[tensor.data_type]
    if tensor.HasField("raw_data"):
        found, expected, unit = len(tensor.raw_data), (wanted * bits + 7) // 8, "bytes"
    else:
        found, unit = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type))), "values"
        if tensor.data_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
            wanted *= 2
        expected = (wanted + 1) // 2 if bits == 4 else wanted
    if found == expected:
        return ""
    return f"of dimensions {list(tensor.dims)[:8]} has {found} {unit}, expected {expected}"


def check_weights(graph: ir.Graph, name: str) -> None:
    """Refuse dense operators whose weights or bias do not fit their input; shape inference looks at few of these.

    Raises:
        ModelError: names model and node, the shapes, and what was expected.
    """
    for node in graph:
        if (
            node.op_type in _WEIGHTS
            and is_standard(node)
            and len(node.inputs) > 1
            and (problem := _misfit(node))
        ):
            raise ModelError(f"model {name!r}: {node_label(node)}, {node.op_type}: {problem}")


def _misfit(node: ir.Node) -> str:
    source, weight = shape_of(node.inputs[0]), shape_of(node.inputs[1])
    if source is None or weight is None:
        return ""
    if len(weight) != len(source) or len(source) < _WEIGHTS[node.op_type]:
        return f"weights of shape {weight} for an input of shape {source}, expected one of the same rank"
    if node.op_type == "Gemm" and len(source) != 2:
        return f"an input of shape {source}, expected a matrix"
    kernel = attribute(node, "kernel_shape")
    if kernel is not None and tuple(kernel) != weight[2:]:
        return f"kernel_shape is {tuple(kernel)}, but the weights have shape {weight}"
    group = attribute(node, "group", 1)
    if node.op_type == "Gemm":
        inner, outputs = weight[::-1] if attribute(node, "transB", 0) else weight
        inputs = source[0] if attribute(node, "transA", 0) else source[1]
    elif node.op_type == "Conv":
        outputs, inner, inputs = weight[0], weight[1] * group, source[1]
    else:
        inner, outputs, inputs = weight[0], weight[1] * group, source[1]
    if inner != inputs or group < 1 or outputs % group or inputs % group:
        return f"weights of shape {weight} (group {group}) for an input of shape {source}"
    return _bias_misfit(node, source, outputs)


def _bias_misfit(node: ir.Node, source: tuple[int, ...], outputs: int) -> str:
    bias = shape_of(optional_input(node, 2))
    if bias is None:
        return ""
    if node.op_type != "Gemm":
        return "" if bias == (outputs,) else f"a bias of shape {bias}, expected {(outputs,)}"
    result = (source[1] if attribute(node, "transA", 0) else source[0], outputs)
    aligned = (1,) * (2 - len(bias)) + bias
    if len(aligned) == 2 and all(b in (1, r) for b, r in zip(aligned, result, strict=True)):
        return ""
    return f"a bias of shape {bias}, expected one that broadcasts to {result}"
