"""Networks that were quantised elsewhere: QDQ and QOperator ONNX become a float network plus recorded integers.

QuantizeLinear/DequantizeLinear pairs are taken out and their scales kept by value; integer weights become float ones
whose scales are kept, so that the integers can be had back exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from axelera.compiler._errors import ModelError

_QDQ = frozenset({"QuantizeLinear", "DequantizeLinear"})
_OFFSETS = {np.dtype(np.int8): 0, np.dtype(np.uint8): 128}


@dataclass(slots=True)
class Recorded:
    """What a pre-quantised model decided.

    Attributes:
        scales: (scale, zero point within int8) by float value.
        weights: scale per output channel or (1,), by the name of the float weight.
    """

    scales: dict[str, tuple[float, int]] = field(default_factory=dict)
    weights: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)


def is_prequantised(proto: onnx.ModelProto) -> bool:
    """Tell whether a model brings its own integers."""
    return any(node.op_type in _QDQ or node.op_type in _EXPANSIONS for node in proto.graph.node)


def unwrap(proto: onnx.ModelProto, name: str) -> tuple[onnx.ModelProto, Recorded]:
    """Return the float form of a pre-quantised model and what it decided.

    Raises:
        ModelError: a scale is computed or does not fit its tensor, a type is not 8 bits, or one value is quantised in
            two ways.
    """
    walk = _Walk(proto, name)
    for node in proto.graph.node:
        try:
            for part in _EXPANSIONS.get(node.op_type, _as_it_is)(node, walk):
                walk.visit(part)
        except (ValueError, IndexError) as error:  # inputs are missing, or shapes contradict each other
            if isinstance(error, ModelError):
                raise
            raise ModelError(
                f"model {name!r}: node {node.name!r} ({node.op_type}) cannot be understood: {error}"
            ) from error
    return walk.finish(), walk.recorded


class _Walk:
    """One pass over the nodes in order."""

    def __init__(self, proto: onnx.ModelProto, name: str) -> None:
        self.name = name
        self.source = proto
        self.recorded = Recorded()
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.new: list[onnx.TensorProto] = []
        self.real: dict[str, str] = {}

    def constant(self, name: str, what: str) -> npt.NDArray[Any]:
        """Return a constant, or refuse a computed one."""
        if name not in self.constants:
            raise ModelError(
                f"model {self.name!r}: {what} {name!r} is computed; pre-quantised models need constants"
            )
        return self.constants[name]

    def visit(self, node: onnx.NodeProto) -> None:
        """Take a node over, without quantisation."""
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            self.nodes.append(node)
        elif node.op_type == "QuantizeLinear":
            self._quantise(node)
        elif node.op_type == "DequantizeLinear":
            self._dequantise(node)
        else:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for index, value in enumerate(copy.input):
                copy.input[index] = self.real.get(value, value)
            self.nodes.append(copy)

    def finish(self) -> onnx.ModelProto:
        """Return the float model."""
        result = onnx.ModelProto()
        result.CopyFrom(self.source)
        graph = result.graph
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self.nodes)
        for output in graph.output:
            if output.name in self.real:
                value = self.real[output.name]
                graph.node.append(helper.make_node("Identity", [value], [output.name]))
                if (
                    value in self.recorded.scales
                ):  # the clean-up may drop the Identity and keep the output's name
                    self.recorded.scales[output.name] = self.recorded.scales[value]
        used = {value for node in graph.node for value in node.input}
        kept = [tensor for tensor in [*graph.initializer, *self.new] if tensor.name in used]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        imports = [entry for entry in result.opset_import if entry.domain in ("", "ai.onnx")]
        del result.opset_import[:]
        result.opset_import.extend(imports)
        return result

    def _parameters(self, node: onnx.NodeProto) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        scale = self.constant(node.input[1], "scale")
        if len(node.input) < 3 or not node.input[2]:
            return scale, np.zeros(scale.shape, np.uint8)
        return scale, self.constant(node.input[2], "zero point")

    def _quantise(self, node: onnx.NodeProto) -> None:
        scale, zero = self._parameters(node)
        value = self.real.get(node.input[0], node.input[0])
        if scale.size != 1 or zero.dtype not in _OFFSETS:
            raise ModelError(
                f"model {self.name!r}: node {node.name!r} quantises to {zero.dtype} with {scale.size} scales; "
                "activations need one scale and 8 bits"
            )
        chosen = (float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]) - _OFFSETS[zero.dtype])
        if self.recorded.scales.setdefault(value, chosen) != chosen:
            raise ModelError(
                f"model {self.name!r}: value {value!r} is quantised in two ways; use one scale for it"
            )
        self.real[node.output[0]] = value

    def _dequantise(self, node: onnx.NodeProto) -> None:
        integers = self.constants.get(node.input[0])
        if integers is None:
            self.real[node.output[0]] = self.real.get(node.input[0], node.input[0])
            return
        scale, zero = self._parameters(node)
        axis = next((entry.i for entry in node.attribute if entry.name == "axis"), 1) % max(integers.ndim, 1)
        shape = [1] * integers.ndim
        if scale.size > 1:
            if scale.size != integers.shape[axis]:
                raise ModelError(
                    f"model {self.name!r}: {node.input[0]!r} of shape {integers.shape} has {scale.size} scales along "
                    f"axis {axis}; one, or one per output channel, is possible"
                )
            shape[axis] = scale.size
        centred = integers.astype(np.int64) - zero.astype(np.int64).reshape(shape if zero.size > 1 else ())
        real = centred.astype(np.float32) * scale.astype(np.float32).reshape(shape if scale.size > 1 else ())
        if integers.dtype in _OFFSETS:
            if centred.size and (centred.min() < -128 or centred.max() > 127):
                raise ModelError(
                    f"model {self.name!r}: weight {node.input[0]!r} does not fit int8 around 0; quantise weights "
                    "symmetrically"
                )
            self.recorded.weights[node.output[0]] = scale.reshape(-1).astype(np.float32)
        self.constants[node.output[0]] = real
        self.new.append(numpy_helper.from_array(np.ascontiguousarray(real), node.output[0]))


def _as_it_is(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
    del walk
    return [node]


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


def _bias(node: onnx.NodeProto, walk: _Walk, name: str, scales: tuple[str, str]) -> list[str]:
    """Make the float bias of an int32 one, whose scale is the product of input and weight scale."""
    if not name:
        return []
    scale = walk.constant(scales[0], "scale").astype(np.float32) * walk.constant(scales[1], "scale").astype(
        np.float32
    )
    real = walk.constant(name, "bias").astype(np.float64) * scale.reshape(-1)
    made = f"{node.output[0]}_bias"
    walk.new.append(numpy_helper.from_array(real.astype(np.float32), made))
    return [made]


def _conv(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
    i = list(node.input)
    bias = _bias(node, walk, i[8] if len(i) > 8 else "", (i[1], i[4]))
    return _wrapped(node, "Conv", [i[0:3], i[3:6]], i[6:8], bias)


def _gemm(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
    i = list(node.input)
    bias = _bias(node, walk, i[6] if len(i) > 6 else "", (i[1], i[4]))
    turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
    return _wrapped(node, "Gemm", [i[0:3], i[3:6]], i[7:9], bias, axis=0 if turned else 1)


def _matmul(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
    del walk
    i = list(node.input)
    return _wrapped(node, "MatMul", [i[0:3], i[3:6]], i[6:8], axis=-1)


def _binary(op: str) -> Callable[[onnx.NodeProto, _Walk], list[onnx.NodeProto]]:
    def expand(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
        del walk
        i = list(node.input)
        return _wrapped(node, op, [i[0:3], i[3:6]], i[6:8])

    return expand


def _unary(op: str) -> Callable[[onnx.NodeProto, _Walk], list[onnx.NodeProto]]:
    def expand(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
        del walk
        i = list(node.input)
        return _wrapped(node, op, [i[0:3]], i[3:5])

    return expand


def _concat(node: onnx.NodeProto, walk: _Walk) -> list[onnx.NodeProto]:
    del walk
    i = list(node.input)
    return _wrapped(node, "Concat", [i[k : k + 3] for k in range(2, len(i), 3)], i[0:2])


_EXPANSIONS: Mapping[str, Callable[[onnx.NodeProto, _Walk], list[onnx.NodeProto]]] = {
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
"""QOperator nodes, of ONNX and of ONNX Runtime."""
