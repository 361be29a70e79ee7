"""Networks the chip cannot compute are refused with the operator and the rule, wherever the trouble would begin."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from tests.unit.compiler._networks import Net, data, run_float, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig, ModelError, UnsupportedModelError

SHAPE = (1, 3, 8, 8)


def refusal(model: onnx.ModelProto, *, validate: bool = True) -> list[tuple[str, str]]:
    """Operators and rules."""
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    with pytest.raises(UnsupportedModelError) as caught:
        compiler.quantize(model, iter(data(shape, 1)), CompilerConfig(validate_operators=validate))
    return [(violation.operator, violation.rule) for violation in caught.value.violations]


def indices(net: Net) -> tuple[str, str]:
    """A MaxPool with both outputs."""
    values = net.add("MaxPool", net.conv("x", 3, 8), outputs=2, kernel_shape=[2, 2], strides=[2, 2])
    return values, net.nodes[-1].output[1]


def test_max_pool_with_indices_that_somebody_reads() -> None:
    net = Net(SHAPE)
    values, places = indices(net)
    unpooled = net.add("MaxUnpool", net.conv(values, 8, 8, 1), places, kernel_shape=[2, 2], strides=[2, 2])
    assert refusal(net.model(unpooled)) == [("MaxPool", "one output")]


def test_max_pool_with_indices_at_the_end_runs_on_the_host() -> None:
    net = Net(SHAPE)
    model = net.model(*indices(net))
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
    frames = data(SHAPE, 2)
    values, places = compiler.quantize(model, iter(frames), CompilerConfig())(frames[0])
    expected = run_float(model, frames[0])
    assert sqnr(expected[0], values) > 30.0
    assert places.shape == expected[1].shape


@pytest.mark.parametrize("shape", [(1,), (1, 2, 3, 4, 5)])
def test_values_of_too_few_or_too_many_dimensions(shape: tuple[int, ...]) -> None:
    net = Net(shape)
    for op in ("Relu", "Sigmoid"):
        assert refusal(net.model(net.add(op, "x"))) == [(op, "batch 1 and rank 2 to 4")]


def test_a_vector_without_a_batch() -> None:
    net = Net((5,))
    with pytest.raises(ModelError, match="batch 5"):
        compiler.structure_program(net.model(net.add("Relu", "x")))


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("op", ["Tile", "Expand", "Concat", "Reshape"])
def test_frames_that_are_multiplied_inside_the_network(op: str, validate: bool) -> None:
    net = Net((1, 2, 8, 8))
    x = {
        "Tile": lambda: net.add("Tile", "x", net.constant(np.array([2, 1, 1, 1]))),
        "Expand": lambda: net.add("Expand", "x", net.constant(np.array([4, 2, 8, 8]))),
        "Concat": lambda: net.add("Concat", "x", "x", axis=0),
        "Reshape": lambda: net.add("Reshape", "x", net.constant(np.array([2, 1, 8, 8]))),
    }[op]()
    x = net.conv(x, 1 if op == "Reshape" else 2, 8)
    found = refusal(net.model(net.add("Mul", x, net.add("Sigmoid", x))), validate=validate)
    assert ("Conv", "batch 1 and rank 2 to 4") in found


def test_rows_of_a_dense_layer_are_no_batch() -> None:
    net = Net(SHAPE)
    rows = net.add("Reshape", "x", net.constant(np.array([3, 64])))
    matrix = net.constant(np.ones((64, 4), np.float32))
    assert refusal(net.model(net.add("Gemm", rows, matrix))) == [("Gemm", "batch 1 and rank 2 to 4")]


def test_whole_numbers_are_computed_on_the_host() -> None:
    net = Net(SHAPE)
    x = net.add("Cast", net.conv("x", 3, 8), to=TensorProto.INT32)
    x = net.add("Mul", x, net.constant(np.int32([3])))
    x = net.conv(net.add("Cast", x, to=TensorProto.FLOAT), 8, 8)
    assert ("Mul", "values real") in refusal(net.model(x), validate=False)


def test_an_output_that_holds_nothing() -> None:
    net = Net((1, 3, 4, 4))
    pooled = net.add("MaxPool", net.conv("x", 3, 8, 1), kernel_shape=[4, 4], strides=[2, 2])
    model = net.model(net.add("AveragePool", pooled, kernel_shape=[2, 1]))
    with pytest.raises(ModelError, match="holds nothing"):
        compiler.structure_program(model)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("Pad", [np.array([0, 0, 1, 1, 0, 0, 1, 1])], {"mode": "reflect"}),
        ("Pad", [np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float32(1)], {}),
        ("Resize", [np.float32([]), np.float32([1, 1, 2, 2])], {"mode": "cubic"}),
        ("MaxPool", [], {"kernel_shape": [2, 2], "dilations": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("PRelu", [np.float32([0.1] * 8)], {}),
        ("Dropout", [np.float32(0.5), np.array(True)], {}),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused_without_the_matrix_too(
    op: str, inputs: list[object], attributes: dict[str, object]
) -> None:
    net = Net((1, 3, 8, 8))
    value = net.add(op, net.conv("x", 3, 8, 1), *(net.constant(array) for array in inputs), **attributes)
    assert refusal(net.model(net.conv(value, 8, 8)), validate=False) == [(op, "can be lowered")]


def test_a_clip_by_a_computed_bound_is_refused_without_the_matrix_too() -> None:
    net = Net((1, 3, 8, 8))
    x = net.conv("x", 3, 8)
    bound = net.add("ReduceMax", x, keepdims=0)
    model = net.model(net.conv(net.add("Clip", x, "", bound), 8, 8))
    assert "Clip" in {operator for operator, _ in refusal(model, validate=False)}


@pytest.mark.parametrize("op", ["Add", "MaxPool"])
def test_depth_of_a_network_is_no_depth_of_calls(op: str) -> None:
    net = Net((1, 8, 4, 4))
    x = first = net.conv("x", 8, 8, 1)
    for _ in range(350):
        x = net.add("Add", x, first) if op == "Add" else net.add("MaxPool", x, kernel_shape=[1, 1])
    model = net.model(net.conv(x, 8, 8, 1))
    (frame,) = data((1, 8, 4, 4), 1)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 300)
    try:
        quantised = compiler.quantize(model, iter([frame]), CompilerConfig())
        result = quantised(frame)
    finally:
        sys.setrecursionlimit(limit)
    assert sqnr(run_float(model, frame)[0], result) > 20.0


@pytest.mark.parametrize(
    ("op", "attributes"),
    [("Transpose", {"perm": [0, 1, 2, 3]}), ("Cast", {"to": TensorProto.FLOAT}), ("Dropout", {})],
)
def test_what_changes_nothing_may_stand_between_two_outputs(op: str, attributes: dict[str, object]) -> None:
    net = Net(SHAPE)
    x = net.conv("x", 3, 8)
    frames = data(SHAPE, 2)
    model = net.model(x, net.add(op, x, **attributes))
    first, second = compiler.quantize(model, iter(frames), CompilerConfig())(frames[0])
    assert np.array_equal(first, second)


def test_an_activation_behind_a_refused_operator_is_no_second_problem() -> None:
    net = Net(SHAPE)
    flipped = net.add("Transpose", net.conv("x", 3, 8), perm=[0, 1, 3, 2])
    swish = net.add("Mul", flipped, net.add("Sigmoid", flipped))
    assert refusal(net.model(net.conv(swish, 8, 8)), validate=False) == [("Transpose", "can be lowered")]


def test_outputs_without_a_shape_behind_what_cannot_be_inferred_name_the_node() -> None:
    net = Net(SHAPE)
    model = net.model(net.conv(net.conv("x", 3, 8), 8, 8))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    model.graph.node[1].op_type = "Unheard"
    model.graph.node[1].domain = "of.somebody"
    model.opset_import.append(onnx.helper.make_opsetid("of.somebody", 1))
    with pytest.raises(
        ModelError, match=r"node 'node_1_Conv' is of\.somebody\.Unheard, an operator that is not part"
    ):
        compiler.structure_program(model)
