"""Operators of the QOperator form, of ONNX and of ONNX Runtime, written as float operators between Q and DQ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from axelera.compiler.frontend._tools import CannotUnderstand


class Constants(Protocol):
    """The constants of a network: those it has, and those that are added."""

    new: list[onnx.TensorProto]

    def constant(self, name: str, what: str) -> npt.NDArray[Any]:
        """Return a constant, or refuse a computed one."""


Expansion = Callable[[onnx.NodeProto, Constants], list[onnx.NodeProto]]


def _wrapped(
    node: onnx.NodeProto,
    op: str,
    operands: Sequence[Sequence[str]],
    result: Sequence[str],
    bias: Sequence[str] = (),
    axis: int = 0,
) -> list[onnx.NodeProto]:
    """Write a QOperator node as DequantizeLinear, float operator, QuantizeLinear.

    Args:
        node: the node.
        op: the float operator.
        operands: value, scale and zero point of each.
        result: scale and zero point of the output; none when it is float.
        bias: the float bias.
        axis: along which weights (the second operand) have several scales.
    """
    output = node.output[0]
    nodes = [
        helper.make_node("DequantizeLinear", list(triple), [f"{output}_operand{i}"], axis=axis if i else 1)
        for i, triple in enumerate(operands)
    ]
    inputs = [entry.output[0] for entry in nodes] + list(bias)
    real = f"{output}_real" if any(result) else output
    made = helper.make_node(op, inputs, [real], name=node.name)
    made.attribute.extend(entry for entry in node.attribute if entry.name != "channels_last")
    if not any(result):
        return [*nodes, made]
    return [
        *nodes,
        made,
        helper.make_node("QuantizeLinear", [made.output[0], *result], [output], name=f"{node.name}_q"),
    ]


def _bias(node: onnx.NodeProto, constants: Constants, name: str, scales: tuple[str, str]) -> list[str]:
    """Make the float bias of an int32 one, whose scale is the product of input and weight scale."""
    if not name:
        return []
    first, second = (constants.constant(scale, "scale").astype(np.float32) for scale in scales)
    bias = constants.constant(name, "bias").astype(np.float64)
    if first.size != 1 or second.size not in (1, bias.size):
        raise CannotUnderstand(f"a bias of {bias.size} numbers for {first.size} and {second.size} scales")
    scale = first * second
    real = bias * scale.reshape(-1)
    made = f"{node.output[0]}_bias"
    constants.new.append(numpy_helper.from_array(real.astype(np.float32), made))
    return [made]


def _conv(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    i = list(node.input)
    bias = _bias(node, constants, i[8] if len(i) > 8 else "", (i[1], i[4]))
    return _wrapped(node, "Conv", [i[0:3], i[3:6]], i[6:8], bias)


def _gemm(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    i = list(node.input)
    bias = _bias(node, constants, i[6] if len(i) > 6 else "", (i[1], i[4]))
    turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
    return _wrapped(node, "Gemm", [i[0:3], i[3:6]], i[7:9], bias, axis=0 if turned else 1)


def _matmul(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    del constants
    i = list(node.input)
    return _wrapped(node, "MatMul", [i[0:3], i[3:6]], i[6:8], axis=-1)


def _binary(op: str) -> Expansion:
    def expand(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
        del constants
        i = list(node.input)
        return _wrapped(node, op, [i[0:3], i[3:6]], i[6:8])

    return expand


def _unary(op: str) -> Expansion:
    def expand(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
        del constants
        i = list(node.input)
        return _wrapped(node, op, [i[0:3]], i[3:5])

    return expand


def _concat(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    del constants
    i = list(node.input)
    return _wrapped(node, "Concat", [i[k : k + 3] for k in range(2, len(i), 3)], i[0:2])


def check_arity(node: onnx.NodeProto, inputs: int) -> None:
    """Refuse a node with fewer than `inputs` inputs or without an output; onnx checks standard operators alone.

    Raises:
        CannotUnderstand: says how many there are.
    """
    if node.input and not node.input[0]:
        raise CannotUnderstand("it has no first input")
    if len(node.input) < inputs or not node.output:
        raise CannotUnderstand(
            f"it has {len(node.input)} inputs and {len(node.output)} outputs, expected {inputs} and 1 or more"
        )


def expanded(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    """Return the nodes that `node` stands for: itself, unless it is a QOperator.

    Raises:
        CannotUnderstand: inputs are missing or do not fit together.
    """
    if node.op_type not in EXPANSIONS:
        return [node]
    check_arity(node, _INPUTS[node.op_type])
    return EXPANSIONS[node.op_type](node, constants)


_INPUTS: Mapping[str, int] = {
    "QLinearConv": 8, "QLinearMatMul": 8, "QGemm": 6, "QLinearAdd": 7, "QLinearMul": 7, "QLinearSigmoid": 4,
    "QLinearLeakyRelu": 4, "QLinearAveragePool": 4, "QLinearGlobalAveragePool": 4, "QLinearConcat": 5,
}  # fmt: skip
"""Inputs that a node must have; zero points at the end may be left out."""

EXPANSIONS: Mapping[str, Expansion] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearMul": _binary("Mul"),
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearAveragePool": _unary("AveragePool"),
    "QLinearGlobalAveragePool": _unary("GlobalAveragePool"),
    "QLinearConcat": _concat,
}
"""From a kind of node to the nodes it stands for."""
