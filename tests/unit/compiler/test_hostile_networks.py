"""ONNX files made to hurt: refused before they cost anything."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests._memory import forget_peak, peak_bytes

from axelera import compiler
from axelera.compiler import CompilerConfig, ModelError
from axelera.compiler.config.model_specific import extract_ultralytics_metadata
from axelera.compiler.frontend import load_proto

SHAPE = (1, 3, 8, 8)
SECOND = 1.0
MEMORY = 200 << 20


def value(name: str, shape: Any = SHAPE, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def network(nodes: list[onnx.NodeProto], *stored: onnx.TensorProto, shape: Any = SHAPE) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "hostile", [value("x")], [value("y", shape)], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


RELU = network([helper.make_node("Relu", ["x"], ["y"])])


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of protobuf."""
    size, encoded = len(content), b""
    while size > 127:
        encoded, size = encoded + bytes([size & 127 | 128]), size >> 7
    tag = number << 3 | 2
    head = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
    return head + encoded + bytes([size]) + content


GRAPH, NODE, ATTRIBUTE, INITIALIZER, INPUT, METADATA, FUNCTION = 7, 1, 5, 5, 11, 14, 25
MANY = {
    "nodes": field(GRAPH, field(NODE, b"") * 250_000),
    "attributes": field(GRAPH, field(NODE, field(ATTRIBUTE, b"") * 250_000)),
    "initialisers": field(GRAPH, field(INITIALIZER, b"") * 250_000),
    "inputs": field(GRAPH, field(INPUT, b"") * 250_000),
    "names": field(GRAPH, field(NODE, field(1, b"") * 250_000)),
    "entries": field(METADATA, b"") * 250_000,
    "functions": field(FUNCTION, b"") * 250_000,
    "subgraphs": field(GRAPH, field(NODE, field(ATTRIBUTE, field(6, field(NODE, b"") * 250_000)))),
}


@pytest.mark.parametrize("read", [load_proto, extract_ultralytics_metadata])
@pytest.mark.parametrize("what", MANY)
def test_what_a_file_asks_for_is_counted_before_it_is_read(what: str, read: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.onnx"
    path.write_bytes(RELU.SerializeToString() + MANY[what])
    before, began = forget_peak(), time.process_time()
    with pytest.raises(ModelError, match="more than 16384 nodes or 131072 attributes"):
        read(path)
    assert time.process_time() - began < SECOND
    assert peak_bytes() - before < MEMORY


def test_graphs_within_graphs_end_at_the_bound(tmp_path: Path) -> None:
    inner = b""
    for _ in range(12):
        inner = field(NODE, field(ATTRIBUTE, field(6, inner)))
    (tmp_path / "deep.onnx").write_bytes(field(GRAPH, inner))
    with pytest.raises(ModelError, match="more than 8 deep"):
        load_proto(tmp_path / "deep.onnx")


def test_a_large_file_is_counted_by_its_headers(tmp_path: Path) -> None:
    weights = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 24], raw_data=bytes(1 << 26))
    (tmp_path / "large.onnx").write_bytes(network(list(RELU.graph.node), weights).SerializeToString())
    began = time.process_time()
    assert len(load_proto(tmp_path / "large.onnx").graph.initializer[0].raw_data) == 1 << 26
    assert time.process_time() - began < SECOND


def quantize(model: onnx.ModelProto) -> None:
    compiler.quantize(model, iter([np.zeros(SHAPE, np.float32)]), CompilerConfig(model_name="hostile"))


def stored(**fields: Any) -> onnx.TensorProto:
    return onnx.TensorProto(name="w", **fields)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (stored(data_type=1, dims=SHAPE, raw_data=bytes(4 * 191)), "has 764 bytes, expected 768"),
        (stored(data_type=1, dims=SHAPE, raw_data=bytes(4 * 193)), "has 772 bytes, expected 768"),
        (stored(data_type=1, dims=SHAPE, raw_data=bytes(4 * 192 + 1)), "has 769 bytes"),
        (stored(data_type=1, dims=SHAPE, float_data=[1.0] * 193), "has 193 values, expected 192"),
        (stored(data_type=10, dims=SHAPE, int32_data=[1] * 191), "has 191 values, expected 192"),
        (stored(data_type=1, dims=[1 << 62, 4]), "has 0 values"),
        (stored(data_type=1, dims=[-3, -64], raw_data=bytes(768)), r"dimensions \[-3, -64\]"),
    ],
)
@pytest.mark.parametrize("where", ["initialiser", "constant"])
def test_a_tensor_has_as_many_values_as_its_dimensions_say(
    tensor: onnx.TensorProto, message: str, where: str
) -> None:
    add = helper.make_node("Add", ["x", "w"], ["y"])
    if where == "initialiser":
        model = network([add], tensor)
    else:
        model = network([helper.make_node("Constant", [], ["w"], value=tensor), add])
    with pytest.raises(ModelError, match=rf"tensor 'w' of model 'hostile'.*{message}"):
        quantize(model)


@pytest.mark.parametrize(
    ("op", "weight", "bias", "attributes", "message"),
    [
        ("Conv", (8, 5), None, {"kernel_shape": [3, 3]}, "one of the same rank"),
        ("Conv", (8, 3, 3, 3), None, {"kernel_shape": [1, 1]}, "kernel_shape is (1, 1)"),
        ("Conv", (8, 4, 1, 1), None, {}, "for an input of shape (1, 3, 8, 8)"),
        ("Conv", (8, 1, 1, 1), None, {"group": 3}, "(group 3)"),
        ("Conv", (8, 3, 1, 1), (7,), {}, "a bias of shape (7,), expected (8,)"),
        ("ConvTranspose", (4, 8, 2, 2), None, {}, "for an input of shape (1, 3, 8, 8)"),
        ("ConvTranspose", (3, 8), None, {}, "one of the same rank"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_their_input_are_refused(
    op: str, weight: tuple[int, ...], bias: tuple[int, ...] | None, attributes: dict[str, Any], message: str
) -> None:
    tensors = [onnx.numpy_helper.from_array(np.ones(weight, np.float32), "w")]
    if bias is not None:
        tensors.append(onnx.numpy_helper.from_array(np.ones(bias, np.float32), "b"))
    node = helper.make_node(op, ["x", *(tensor.name for tensor in tensors)], ["y"], **attributes)
    with pytest.raises(ModelError) as caught:
        quantize(network([node], *tensors, shape=[1, 8, "h", "w"]))
    assert "node" not in message
    assert message in str(caught.value) or "not valid ONNX" in str(caught.value)


def numbers(name: str, *entries: float, kind: int = TensorProto.INT64) -> onnx.TensorProto:
    return helper.make_tensor(name, kind, [len(entries)], entries)


ONES = np.ones((12_000, 1), np.float32)
GROWING = {
    "ConstantOfShape": ([helper.make_node("ConstantOfShape", ["s"], ["t"])], [numbers("s", 1, 3, 1 << 15, 1 << 15)]),
    "Expand": ([helper.make_node("Expand", ["a", "s"], ["t"])], [numbers("a", 1, kind=1), numbers("s", 1 << 13, 1 << 14)]),
    "Tile": ([helper.make_node("Tile", ["a", "s"], ["t"])], [numbers("a", 1, kind=1), numbers("s", 1 << 27)]),
    "Range": (
        [helper.make_node("Range", ["a", "b", "c"], ["t"])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [n]) for name, n in (("a", 0), ("b", 1e8), ("c", 1))],
    ),
    "OneHot": (
        [helper.make_node("OneHot", ["a", "s", "v"], ["t"])],
        [numbers("a", *[1] * 12_000), helper.make_tensor("s", TensorProto.INT64, [], [12_000]), numbers("v", 0, 1, kind=1)],
    ),
    "Add": (
        [helper.make_node("Add", ["a", "b"], ["t"])],
        [onnx.numpy_helper.from_array(ONES, "a"), onnx.numpy_helper.from_array(ONES.T, "b")],
    ),
    "MatMul": (
        [helper.make_node("MatMul", ["a", "b"], ["t"])],
        [onnx.numpy_helper.from_array(ONES, "a"), onnx.numpy_helper.from_array(ONES.T, "b")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("op", GROWING)
def test_no_constant_is_folded_into_a_far_larger_one(op: str) -> None:
    nodes, tensors = GROWING[op]
    after = [helper.make_node("ReduceMean", ["t"], ["u"]), helper.make_node("Add", ["x", "u"], ["y"])]
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = forget_peak()
    held = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    resource.setrlimit(
        resource.RLIMIT_AS, (held + (2 << 30), limits[1])
    )  # what is wrong here would end the machine
    try:
        with pytest.raises(ModelError):
            quantize(network([*nodes, *after], *tensors))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert peak_bytes() - before < MEMORY
