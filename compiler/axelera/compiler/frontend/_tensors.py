"""Stored tensors: whether they hold as many values as their dimensions say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import onnx
from onnx import TensorProto, helper

from axelera.compiler._errors import ModelError

_BITS: dict[int, int] = {
    TensorProto.DOUBLE: 64, TensorProto.INT64: 64, TensorProto.UINT64: 64, TensorProto.COMPLEX64: 64,
    TensorProto.COMPLEX128: 128, TensorProto.FLOAT: 32, TensorProto.INT32: 32, TensorProto.UINT32: 32,
    TensorProto.FLOAT16: 16, TensorProto.BFLOAT16: 16, TensorProto.INT16: 16, TensorProto.UINT16: 16,
    TensorProto.INT8: 8, TensorProto.UINT8: 8, TensorProto.BOOL: 8, TensorProto.INT4: 4, TensorProto.UINT4: 4,
}  # fmt: skip


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
