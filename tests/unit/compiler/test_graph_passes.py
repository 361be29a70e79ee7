"""Each pass on the graph: it does what it is for, and ONNX Runtime computes the same before and after."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tests.conftest import FULL
from tests.unit.compiler._networks import Net, data, run_float

from axelera.compiler import pipeline
from axelera.compiler.frontend import load_proto, normalise

SIDE, CHANNELS = 8, 6
SHAPE = (1, 3, SIDE, SIDE)
SEEDS = st.integers(0, 2**16)
EXAMPLES = settings(max_examples=100 if FULL else 6)
BY_NAME = {entry.name: entry for entry in pipeline.PASSES}

Build = Callable[[Net, random.Random], str]


def numbers(net: Net, *shape: int) -> str:
    return net.constant(net.random.uniform(0.5, 2, shape).astype(np.float32))


def integers(net: Net, *values: int) -> str:
    return net.constant(np.array(values, np.int64))


def first(net: Net) -> str:
    return net.add("Tanh", net.conv("x", 3, CHANNELS, pads=[1, 1, 1, 1]))


def no_op(net: Net, choice: random.Random) -> str:
    x = first(net)
    return choice.choice(
        [
            lambda: net.add("Relu", net.add("Identity", x)),
            lambda: net.add("Relu", net.add("Dropout", x)),
            lambda: net.add("Relu", net.add("Cast", x, to=TensorProto.FLOAT)),
            lambda: net.add("Relu", net.add("Transpose", x, perm=[0, 1, 2, 3])),
            lambda: net.add("Relu", net.add("Pad", x, integers(net, *[0] * 8))),
            lambda: net.add("Relu", net.add("Reshape", x, integers(net, 1, CHANNELS, SIDE, SIDE))),
        ]
    )()


def auto_pad(net: Net, choice: random.Random) -> str:
    how = choice.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    strides = [choice.choice([1, 2])] * 2
    if choice.random() < 0.5:
        return net.add("MaxPool", first(net), kernel_shape=[3, 3], strides=strides, auto_pad=how)
    return net.conv(first(net), CHANNELS, 4, choice.choice([2, 3]), strides=strides, auto_pad=how)


def pad(net: Net, choice: random.Random) -> str:
    amounts = [choice.randrange(3) for _ in range(4)]
    amounts[0] += 1
    around = integers(net, 0, 0, *amounts[:2], 0, 0, *amounts[2:])
    return net.conv(net.add("Pad", first(net), around), CHANNELS, 4, pads=[choice.randrange(2)] * 4)


def split_of_concat(net: Net, choice: random.Random) -> str:
    sizes = [choice.randrange(1, 5) for _ in range(3)]
    parts = [net.conv("x", 3, size) for size in sizes]
    again = net.split(net.add("Concat", *parts, axis=1), sizes)
    return net.add("Concat", *reversed([net.add("Relu", part) for part in again]), axis=1)


def reduction(net: Net, choice: random.Random) -> str:
    kind = choice.choice(["ReduceMean", "ReduceMax"])
    axes = choice.choice([[2, 3], [-1, -2]])
    return net.add("Relu", net.add(kind, first(net), axes=axes, keepdims=choice.randrange(2)))


def whole_plane(net: Net, choice: random.Random) -> str:
    return net.add("Relu", net.add("AveragePool", first(net), kernel_shape=[SIDE, SIDE]))


def region(net: Net, choice: random.Random) -> str:
    roi = net.constant(np.zeros(8, np.float32))
    scales = net.constant(np.array([1, 1, 2, choice.choice([2, 3])], np.float32))
    mode = choice.choice(["nearest", "linear"])
    return net.add("Resize", first(net), roi, scales, mode=mode, coordinate_transformation_mode="asymmetric")


def total(net: Net, choice: random.Random) -> str:
    x = first(net)
    return net.add(
        "Sum", *[net.add(op, x) for op in ("Relu", "Sigmoid", "Abs", "Neg")[: choice.randrange(2, 5)]]
    )


def division(net: Net, choice: random.Random) -> str:
    shape = choice.choice([(), (1,), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1)])
    return net.add(choice.choice(["Div", "Sub"]), first(net), numbers(net, *shape))


def constant_first(net: Net, choice: random.Random) -> str:
    return net.add(choice.choice(["Add", "Mul"]), numbers(net, CHANNELS, 1, 1), first(net))


def matmul(net: Net, choice: random.Random) -> str:
    x = net.add("Flatten", net.add("GlobalAveragePool", first(net)))
    return net.add("MatMul", x, numbers(net, CHANNELS, choice.randrange(1, 5)))


def gemm_and_bias(net: Net, choice: random.Random) -> str:
    x = net.add("Flatten", net.add("GlobalAveragePool", first(net)))
    outputs = choice.randrange(2, 5)
    operands = [numbers(net, CHANNELS, outputs)]
    if choice.random() < 0.5:
        operands.append(numbers(net, outputs))
    return net.add("Add", net.add("Gemm", x, *operands), numbers(net, outputs))


def batch_norm(net: Net, choice: random.Random) -> str:
    before = choice.choice([convolution, transposed, first])(net)
    parameters = [numbers(net, CHANNELS) for _ in range(4)]
    return net.add("BatchNormalization", before, *parameters, epsilon=choice.choice([1e-5, 1e-2]))


def convolution(net: Net) -> str:
    return net.conv("x", 3, CHANNELS, group=3)


def transposed(net: Net) -> str:
    """Two groups, in which the channels of weights lie otherwise than in a Conv."""
    return net.add("ConvTranspose", first(net), numbers(net, CHANNELS, CHANNELS // 2, 2, 2), group=2)


def affine(net: Net, choice: random.Random) -> str:
    shape = choice.choice([(), (1,), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1)])
    before = choice.choice([convolution, transposed])(net)
    return net.add(choice.choice(["Mul", "Add"]), before, numbers(net, *shape))


WHERE: dict[str, tuple[Build, str]] = {
    "remove_no_op": (no_op, "Identity Dropout Cast Transpose Pad Reshape"),
    "explicit_padding": (auto_pad, ""),
    "merge_pad": (pad, "Pad"),
    "cancel_split_of_concat": (split_of_concat, "Split"),
    "reduce_to_global_pool": (reduction, "ReduceMean ReduceMax"),
    "whole_plane_pool": (whole_plane, "AveragePool"),
    "drop_unused_region": (region, ""),
    "sum_to_add": (total, "Sum"),
    "divide_to_multiply": (division, "Div Sub"),
    "canonical_constant_order": (constant_first, ""),
    "matmul_to_gemm": (matmul, "MatMul"),
    "merge_gemm_bias": (gemm_and_bias, "Add"),
    "fold_batch_norm": (batch_norm, "BatchNormalization"),
    "fold_affine_into_conv": (affine, "Mul Add"),
}
"""For each rewrite a family of networks that it applies to, and the operators that it leaves none of."""


def graph_of(model: onnx.ModelProto) -> ir.Model:
    result = ir.from_proto(normalise(load_proto(model), "net"))
    pipeline.LIFT(result)
    pipeline.INFER_SHAPES(result)
    return result


def values(model: ir.Model, *inputs: np.ndarray) -> list[np.ndarray]:
    return run_float(ir.to_proto(model), *inputs)


def operators(model: ir.Model) -> set[str]:
    return {node.op_type for node in model.graph}


def same(before: list[np.ndarray], after: list[np.ndarray]) -> None:
    for expected, found in zip(before, after, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * float(np.abs(expected).max()))


def test_every_rewrite_is_tested_here() -> None:
    assert [entry.name for entry in pipeline.REWRITES] == list(WHERE)


@pytest.mark.parametrize("name", WHERE)
@EXAMPLES
@given(seed=SEEDS)
def test_a_rewrite_changes_the_graph_and_no_value(name: str, seed: int) -> None:
    build, gone = WHERE[name]
    net = Net(SHAPE, seed=seed)
    model = graph_of(net.model(build(net, random.Random(seed))))
    sample = data(SHAPE, 1, seed)[0]
    before, names = values(model, sample), [value.name for value in model.graph.outputs]
    assert BY_NAME[name](model)
    pipeline.REMOVE_UNUSED(model)
    same(before, values(model, sample))
    assert not operators(model) & set(gone.split())
    assert [value.name for value in model.graph.outputs] == names


@pytest.mark.parametrize("name", WHERE)
def test_a_rewrite_has_nothing_left_to_do_after_the_clean_up(name: str) -> None:
    net = Net(SHAPE)
    model = graph_of(net.model(WHERE[name][0](net, random.Random(0))))
    pipeline.simplify(model)
    assert not BY_NAME[name](model)


@EXAMPLES
@given(seed=SEEDS, name=st.sampled_from(list(WHERE)))
def test_the_clean_up_as_a_whole_changes_no_value(seed: int, name: str) -> None:
    net = Net(SHAPE, seed=seed)
    model = graph_of(net.model(WHERE[name][0](net, random.Random(seed))))
    sample = data(SHAPE, 1, seed)[0]
    before = values(model, sample)
    pipeline.simplify(model)
    same(before, values(model, sample))


def test_weights_that_are_integers_already_are_not_folded_into() -> None:
    net = Net(SHAPE)
    model = graph_of(net.model(net.add("Mul", convolution(net), numbers(net, 1))))
    pipeline.simplify(model, keep_weights=True)
    assert operators(model) == {"Conv", "Mul"}


def test_constant_of_shape_becomes_a_constant_of_its_value() -> None:
    net = Net(SHAPE)
    filling = helper.make_tensor("filling", TensorProto.FLOAT, [1], [2.5])
    wide = net.add("ConstantOfShape", integers(net, 1, 3, 1 << 10, 1 << 10), value=filling)
    corner = net.add("Slice", wide, integers(net, 0, 0), integers(net, SIDE, SIDE), integers(net, 2, 3))
    model = graph_of(net.model(net.add("Add", "x", corner)))
    before = values(model, data(SHAPE, 1)[0])
    pipeline.EXPAND(model)
    assert "ConstantOfShape" not in operators(model)
    (constant,) = [
        v.const_value for v in model.graph.initializers.values() if v.const_value.shape[-1] == 1 << 10
    ]  # type: ignore[union-attr]
    assert constant.numpy().strides == (0, 0, 0, 0)  # type: ignore[union-attr]
    same(before, values(model, data(SHAPE, 1)[0]))


def test_constant_nodes_become_initializers() -> None:
    net = Net(SHAPE)
    value = helper.make_tensor("two", TensorProto.FLOAT, [1], [2.0])
    model = ir.from_proto(net.model(net.add("Mul", "x", net.add("Constant", value=value))))
    before = values(model, data(SHAPE, 1)[0])
    pipeline.LIFT(model)
    assert operators(model) == {"Mul"}
    same(before, values(model, data(SHAPE, 1)[0]))


def test_local_functions_are_put_where_they_are_called() -> None:
    net = Net(SHAPE)
    proto = net.model(net.add("Relu", "x"))
    proto.graph.node[0].op_type, proto.graph.node[0].domain = "Twice", "local"
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    imports = [helper.make_opsetid("", 17)]
    proto.functions.append(helper.make_function("local", "Twice", ["a"], ["b"], body, imports))
    proto.opset_import.append(helper.make_opsetid("local", 1))
    model = ir.from_proto(proto)
    before = values(model, data(SHAPE, 1)[0])
    pipeline.INLINE(model)
    assert operators(model) == {"Add"}
    same(before, values(model, data(SHAPE, 1)[0]))


def test_what_only_constants_go_into_is_computed() -> None:
    net = Net(SHAPE)
    root = net.add("Sqrt", net.add("Mul", numbers(net, 3, 1, 1), numbers(net, 1)))
    model = graph_of(net.model(net.add("Add", "x", root)))
    before = values(model, data(SHAPE, 1)[0])
    pipeline.FOLD(model)
    pipeline.REMOVE_UNUSED(model)
    assert operators(model) == {"Add"}
    assert len(model.graph.initializers) == 1
    same(before, values(model, data(SHAPE, 1)[0]))


def test_nodes_and_constants_that_nothing_reads_go() -> None:
    net = Net(SHAPE)
    net.add("Exp", net.add("Mul", "x", numbers(net, 1)))
    model = graph_of(net.model(net.add("Relu", "x")))
    pipeline.REMOVE_UNUSED(model)
    assert operators(model) == {"Relu"}
    assert not model.graph.initializers


def test_shapes_are_those_that_onnx_runtime_computes() -> None:
    net = Net(SHAPE)
    names = [auto_pad(net, random.Random(seed)) for seed in range(8)]
    model = ir.from_proto(normalise(load_proto(net.model(*names)), "net"))
    assert any(value.shape is None or not value.shape.is_static() for value in model.graph.outputs)
    pipeline.INFER_SHAPES(model)
    for value, array in zip(model.graph.outputs, values(model, data(SHAPE, 1)[0]), strict=True):
        assert value.shape is not None
        assert tuple(value.shape.numpy()) == array.shape


def test_nodes_are_sorted_and_named() -> None:
    net = Net(SHAPE)
    model = ir.from_proto(net.model(net.add("Relu", net.add("Neg", "x"))))
    relu = model.graph.node(1)
    model.graph.remove(relu)
    model.graph.insert_before(model.graph.node(0), relu)
    for node in model.graph:
        node.name = None
    pipeline.SORT(model)
    pipeline.NAME(model)
    assert [node.op_type for node in model.graph] == ["Neg", "Relu"]
    assert len({node.name for node in model.graph}) == 2
    assert all(node.name for node in model.graph)
