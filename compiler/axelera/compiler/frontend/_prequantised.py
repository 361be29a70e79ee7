"""Networks that were quantised elsewhere: QDQ and QOperator ONNX become a float network plus recorded integers.

QuantizeLinear/DequantizeLinear pairs are taken out and their scales kept by value; integer weights become float ones
whose scales are kept, so that the integers can be had back exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from axelera.compiler._errors import ModelError
from axelera.compiler.frontend._qoperators import EXPANSIONS, check_arity, expanded
from axelera.compiler.frontend._tools import CannotUnderstand, tool

_QDQ = frozenset({"QuantizeLinear", "DequantizeLinear"})
_BYTES = frozenset({onnx.TensorProto.INT8, onnx.TensorProto.UINT8})
_MOVING = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators that put integers of the network's inputs somewhere else."""
_SAME = frozenset({"Identity", "Dropout"})
"""Operators whose output is their input."""
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
    return any(node.op_type in _QDQ or node.op_type in EXPANSIONS for node in proto.graph.node)


def unwrap(proto: onnx.ModelProto, name: str) -> tuple[onnx.ModelProto, Recorded]:
    """Return the float form of a pre-quantised model and what it decided.

    Raises:
        ModelError: a scale is computed or does not fit its tensor, a type is not 8 bits, or one value is quantised in
            two ways.
    """
    walk = _Walk(proto, name)
    for node in proto.graph.node:
        try:
            for part in expanded(node, walk):
                walk.visit(part)
        except CannotUnderstand as error:
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
        self.constants = {tensor.name: _array(tensor, name) for tensor in proto.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.new: list[onnx.TensorProto] = []
        self.real: dict[str, str] = {}
        self.fed: set[str] = set()
        self.given: dict[str, onnx.NodeProto] = {}

    def constant(self, name: str, what: str) -> npt.NDArray[Any]:
        """Return a constant, or refuse a computed one."""
        if name not in self.constants:
            raise ModelError(
                f"model {self.name!r}: {what} {name!r} is computed; pre-quantised models need constants"
            )
        array = self.constants[name]
        if not array.size or not (np.issubdtype(array.dtype, np.number) or array.dtype.kind == "V"):
            raise CannotUnderstand(f"{what} {name!r} holds no numbers")
        return array

    def visit(self, node: onnx.NodeProto) -> None:
        """Take a node over, without quantisation."""
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            self.constants[node.output[0]] = _array(node.attribute[0].t, self.name)
            self.nodes.append(node)
        elif node.op_type == "QuantizeLinear":
            self._quantise(node)
        elif node.op_type == "DequantizeLinear":
            self._dequantise(node)
        elif node.op_type in _SAME and not self.fed.intersection(node.input[:1]):
            # The clean-up drops it; were it a value of its own, so would be one of two quantisations around it.
            source, output = node.input[0], node.output[0]
            self.real[output] = self.real.get(source, source)
            if source in self.constants:
                self.constants[output] = self.constants[source]
            if source in self.given:
                self.given[output] = self.given[source]
        else:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for index, value in enumerate(copy.input):
                copy.input[index] = self.real.get(value, value)
            self.nodes.append(copy)
            if _feeds_integers(node) or (node.op_type in _MOVING and self.fed.issuperset(node.input[:1])):
                self.fed.update(node.output)

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
                if (
                    output.type.tensor_type.elem_type in _BYTES
                ):  # the network returns integers: the host makes them
                    given = self.given[output.name]
                    graph.node.append(
                        helper.make_node("QuantizeLinear", [value, *given.input[1:]], [output.name])
                    )
                    continue
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
        zero = self.constant(node.input[2], "zero point")
        if zero.size not in (1, scale.size):
            raise CannotUnderstand(f"it has {scale.size} scales and {zero.size} zero points")
        return scale, zero

    def _quantise(self, node: onnx.NodeProto) -> None:
        check_arity(node, 2)
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
        self.given[node.output[0]] = node

    def _dequantise(self, node: onnx.NodeProto) -> None:
        check_arity(node, 2)
        integers = self.constants.get(node.input[0])
        if node.input[0] in self.fed:  # the network takes integers: the host makes numbers of them
            scale, zero = self._parameters(node)
            if zero.dtype not in _OFFSETS:
                raise CannotUnderstand(f"its zero point is {zero.dtype}, expected int8 or uint8")
            self.recorded.scales[node.output[0]] = (
                float(scale.reshape(-1)[0]),
                int(zero.reshape(-1)[0]) - _OFFSETS[zero.dtype],
            )
            self.nodes.append(node)
            return
        if integers is None:
            self.real[node.output[0]] = self.real.get(node.input[0], node.input[0])
            return
        scale, zero = self._parameters(node)
        axis = next((entry.i for entry in node.attribute if entry.name == "axis"), 1) % max(integers.ndim, 1)
        shape = [1] * integers.ndim
        if scale.size > 1:
            if scale.size != (integers.shape or (1,))[axis]:
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


def _array(tensor: onnx.TensorProto, name: str) -> npt.NDArray[Any]:
    try:
        with tool():
            return numpy_helper.to_array(tensor)
    except CannotUnderstand as error:
        raise ModelError(f"model {name!r}: tensor {tensor.name!r} cannot be read: {error}") from error


def _feeds_integers(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(
        entry.name == "to" and entry.i in _BYTES for entry in node.attribute
    )
