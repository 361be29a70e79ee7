"""Every room knows every operator of a program: whoever adds one is told by name where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
import pytest
from tests.unit.compiler._networks import Net

from axelera import compiler
from axelera.compiler.planning import plan
from axelera.compiler.planning.passes._compile import HANDLERS
from axemu.driver import InvalidArgument
from axemu.emulator.compute.ops import assemblies
from axemu.model.ops import OPERATORS
from axemu.model.program import Attribute, Node, Program, Tensor, validate

Shape = tuple[int, int, int]

MAP = (4, 4, 8)
WINDOW: Mapping[str, Attribute] = {
    "kernel": (2, 2),
    "strides": (1, 1),
    "dilations": (1, 1),
    "pads": (0, 0, 0, 0),
}
NODES: Mapping[str, tuple[list[Shape], Shape, Mapping[str, Attribute]]] = {
    "add": ([MAP, MAP], MAP, {}),
    "affine": ([MAP], MAP, {}),
    "avg_pool": ([MAP], (3, 3, 8), WINDOW),
    "concat": ([MAP, MAP], (4, 4, 16), {"axis": 2}),
    "constant": ([], MAP, {}),
    "conv": ([MAP], (3, 3, 16), {**WINDOW, "group": 1}),
    "conv_add": ([MAP, (3, 3, 16)], (3, 3, 16), {**WINDOW, "group": 1}),
    "conv_transpose": ([MAP], (5, 5, 16), {**WINDOW, "group": 1}),
    "lut": ([MAP], MAP, {}),
    "matmul": ([MAP, (1, 8, 6)], (4, 4, 6), {}),
    "max_pool": ([MAP], (3, 3, 8), WINDOW),
    "mul": ([MAP, MAP], MAP, {}),
    "pad": ([MAP], (5, 4, 8), {"before": (1, 0, 0), "after": (0, 0, 0), "value": 0}),
    "requantize": ([MAP], MAP, {}),
    "reshape": ([MAP], (2, 8, 8), {}),
    "resize_linear": ([MAP], (8, 8, 8), {}),
    "resize_nearest": ([MAP], (8, 8, 8), {}),
    "slice": ([MAP], (2, 4, 8), {"starts": (1, 0, 0), "sizes": (2, 4, 8), "steps": (1, 1, 1)}),
    "softmax": ([MAP], MAP, {}),
    "sub": ([MAP, MAP], MAP, {}),
    "transpose": ([MAP], (8, 4, 4), {"perm": (2, 0, 1)}),
}
"""For each operator the shapes of inputs and output, and the attributes, of one node."""


def program_of(op: str) -> Program:
    """Return a structure-only program of one node; a node without inputs gets a reader that has one."""
    shapes, shape, attributes = NODES[op]
    inputs = [Tensor(f"x{index}", of) for index, of in enumerate(shapes)]
    names = {role: f"n.{role}" for role in OPERATORS[op].constants}
    nodes = [Node(op, "n", tuple(t.name for t in inputs), "y", attributes, names)]
    tensors = [*inputs, Tensor("y", shape)]
    if not inputs:
        tensors = [Tensor("x0", shape), *tensors, Tensor("z", shape)]
        nodes.append(Node("add", "reader", ("x0", "y"), "z"))
    return Program(
        "one",
        1,
        {t.name: t for t in tensors},
        tuple(nodes),
        tuple(t.name for t in tensors if t.name.startswith("x")),
        (tensors[-1].name,),
        {},
    )


def missing(room: Collection[str]) -> list[str]:
    return sorted(set(OPERATORS) - set(room))


def test_this_page_has_a_node_of_every_operator() -> None:
    assert missing(NODES) == []


@pytest.mark.parametrize("op", OPERATORS)
def test_validation_accepts_a_sound_node(op: str) -> None:
    validate(program_of(op))


@pytest.mark.parametrize("op", OPERATORS)
def test_validation_refuses_a_node_without_its_inputs(op: str) -> None:
    sound = program_of(op)
    node = Node(op, "n", () if NODES[op][0] else ("x0",), "y", NODES[op][2], sound.nodes[0].constants)
    broken = Program(
        "one", 1, sound.tensors, (node, *sound.nodes[1:]), sound.inputs, sound.outputs, sound.constants
    )
    with pytest.raises(InvalidArgument, match=rf"node 'n' \({op}\): has \d inputs"):
        validate(broken)


def test_the_compute_core_has_kernels_for_every_operator() -> None:
    assert missing(assemblies()) == []
    assert set(assemblies()) - set(OPERATORS) == set()


def test_the_planner_knows_every_operator() -> None:
    assert sorted(set(OPERATORS) ^ set(HANDLERS)) == []


FREE = ("affine", "constant", "lut", "requantize", "reshape", "slice", "transpose")
"""Operators that may take no pass of their own: they ride on another, or nothing moves."""


@pytest.mark.parametrize("op", OPERATORS)
def test_the_planner_accounts_for_a_node(op: str) -> None:
    program = program_of(op)
    layers = {one.layer for one in plan(program).core.passes}
    names = {node.name for node in program.nodes}
    assert layers <= names
    assert layers or op in FREE


def test_an_unknown_operator_is_never_planned_as_something_else() -> None:
    tensors = {name: Tensor(name, MAP) for name in ("x", "y")}
    program = Program("one", 1, tensors, (Node("swirl", "n", ("x",), "y"),), ("x",), ("y",), {})
    with pytest.raises(KeyError, match="swirl"):
        plan(program)


def elementwise(op: str) -> Callable[[Net], str]:
    def build(net: Net) -> str:
        return net.add(op, net.conv("x", 3, 8), net.conv("x", 3, 8))

    return build


def pool(op: str) -> Callable[[Net], str]:
    return lambda net: net.add(op, net.conv("x", 3, 8), kernel_shape=[2, 2])


def scaled(net: Net) -> str:
    factors = net.constant(np.linspace(1, 2, 8, dtype=np.float32).reshape(1, 8, 1, 1))
    return net.add("Mul", pool("MaxPool")(net), factors)


def transposed(net: Net) -> str:
    weight = net.constant(np.ones((3, 4, 2, 2), np.float32))
    return net.add("ConvTranspose", "x", weight, kernel_shape=[2, 2], strides=[2, 2])


def joined(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.conv(net.add("Concat", net.add("Relu", net.conv(x, 8, 8, pads=[1] * 4)), x, axis=1), 16, 8)


def resized(mode: str, transformation: str) -> Callable[[Net], str]:
    def build(net: Net) -> str:
        scales = net.constant(np.array([1, 1, 2, 2], np.float32))
        rounding = {"nearest_mode": "floor"} if mode == "nearest" else {}
        return net.add(
            "Resize",
            net.conv("x", 3, 8),
            "",
            scales,
            mode=mode,
            coordinate_transformation_mode=transformation,
            **rounding,
        )

    return build


def attention(net: Net) -> str:
    heads = net.add("Reshape", net.conv("x", 3, 24), net.constant(np.array([1, 1, 24, 36])))
    queries, keys, values = net.split(heads, [8, 8, 8], axis=2)
    scores = net.add("MatMul", net.add("Transpose", queries, perm=[0, 1, 3, 2]), keys)
    shares = net.add("Transpose", net.add("Softmax", scores, axis=-1), perm=[0, 1, 3, 2])
    seen = net.add("Reshape", net.add("MatMul", values, shares), net.constant(np.array([1, 8, 6, 6])))
    return net.conv(seen, 8, 8)


NETWORKS: Mapping[str, Callable[[Net], str]] = {
    "add": elementwise("Add"),
    "affine": scaled,
    "avg_pool": pool("AveragePool"),
    "concat": joined,
    "conv": lambda net: net.conv("x", 3, 8),
    "conv_transpose": transposed,
    "lut": lambda net: net.add("Sigmoid", net.conv("x", 3, 8)),
    "matmul": attention,
    "max_pool": pool("MaxPool"),
    "mul": elementwise("Mul"),
    "pad": lambda net: net.conv("x", 3, 8),
    "requantize": joined,
    "resize_linear": resized("linear", "half_pixel"),
    "resize_nearest": resized("nearest", "asymmetric"),
    "slice": lambda net: net.conv("x", 3, 8),
    "softmax": attention,
}
"""For each operator a network that is lowered to it."""

UNREACHED = {"constant", "conv_add", "reshape", "sub", "transpose"}
"""What no network that the operator matrix admits becomes; written programs may hold them."""


def test_lowering_reaches_every_operator_or_says_that_it_does_not() -> None:
    assert missing({*NETWORKS, *UNREACHED}) == []
    assert UNREACHED & set(NETWORKS) == set()


@pytest.mark.parametrize("op", NETWORKS)
def test_a_network_is_lowered_to_the_operator(op: str) -> None:
    net = Net((1, 3, 8, 8))
    program = compiler.structure_program(net.model(NETWORKS[op](net)))
    assert op in {node.op for node in program.nodes}


@pytest.mark.parametrize("op", OPERATORS)
def test_traits_agree_with_each_other(op: str) -> None:
    operator = OPERATORS[op]
    assert operator.moves_values or not operator.same_scale
    assert not (operator.is_pointwise and operator.is_view)
    assert operator.takes_epilogue or not operator.is_pointwise
    assert not operator.has_weights or op.startswith("conv")
    # What is added to a convolution would have to be balanced like its output.
    assert operator.absorbs_gain or not operator.has_weights or op == "conv_add"
