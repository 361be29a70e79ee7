"""A lowered network in real numbers, one ONNX Runtime call per operator: what passes on it may not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper
from tests.unit.compiler._networks import run_float

from axelera.compiler.lowering import LoweredNetwork, LoweredOperator

Array = npt.NDArray[np.float32]
"""Tensors are (H, W, C), as in the network."""


def run_network(network: LoweredNetwork, *inputs: Array) -> list[Array]:
    """The outputs (1, C, H, W) for inputs (1, C, H, W), without what pads them for the chip."""
    values: dict[str, Array] = {}
    for port, value in zip(network.inputs, inputs, strict=True):
        tensor = value[0].transpose(1, 2, 0)
        values[port.tensor] = np.pad(tensor, port.padding[1:]) if port.padding else tensor
    for operator in network.operators:
        values[operator.output] = _clamped(network, operator, _run(network, operator, values))
    results = []
    for port in network.outputs:
        result = values[port.tensor]
        for axis, (before, after) in enumerate(port.padding[1:]):
            result = result.take(range(before, result.shape[axis] - after), axis=axis)
        results.append(result.transpose(2, 0, 1)[None])
    return results


def _run(network: LoweredNetwork, operator: LoweredOperator, values: Mapping[str, Array]) -> Array:
    inputs = [values[name] for name in operator.inputs]
    if operator.op == "lut":
        return _table(network, operator, inputs[0])
    return _OPERATORS[operator.op](operator, *inputs)


def _clamped(network: LoweredNetwork, operator: LoweredOperator, value: Array) -> Array:
    """Bounds are those of the stored numbers; a pass that scales channels has to keep them meaningful."""
    activation = network.activations[operator.output]
    low = -np.inf if activation.low is None else activation.low
    high = np.inf if activation.high is None else activation.high
    assert value.shape == activation.shape
    return np.clip(value, low, high).astype(np.float32)


def _table(network: LoweredNetwork, operator: LoweredOperator, value: Array) -> Array:
    assert operator.function is not None
    before = network.activations[operator.inputs[0]].rescaling
    after = network.activations[operator.output].rescaling
    real = value.astype(np.float64)
    if before is not None:
        real = (real - before.shift) / before.gain
    result = operator.function.quick(real.reshape(-1, value.shape[2])).reshape(value.shape)
    return (result if after is None else result * after.gain + after.shift).astype(np.float32)


def _onnx(op: str, value: Array, *constants: Array, **attributes: Any) -> Array:
    names = [f"c{index}" for index in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(c, n) for c, n in zip(constants, names, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (result,) = run_float(model, np.ascontiguousarray(value.transpose(2, 0, 1)[None], np.float32))
    return cast("Array", result[0].transpose(1, 2, 0))


def _conv(operator: LoweredOperator, value: Array) -> Array:
    attributes = operator.attributes
    weight = np.ascontiguousarray(np.moveaxis(operator.parameters["weight"], -1, 1), np.float32)
    bias = np.asarray(operator.parameters["bias"], np.float32)
    return _onnx(
        "Conv",
        value,
        weight,
        bias,
        strides=attributes["strides"],
        pads=attributes["pads"],
        dilations=attributes["dilations"],
        group=attributes["group"],
    )


def _max_pool(operator: LoweredOperator, value: Array) -> Array:
    attributes = operator.attributes
    return _onnx(
        "MaxPool",
        value,
        kernel_shape=attributes["kernel"],
        strides=attributes["strides"],
        pads=attributes["pads"],
    )


def _triple(operator: LoweredOperator, name: str) -> tuple[int, int, int]:
    return cast("tuple[int, int, int]", operator.attributes[name])


def _slice(operator: LoweredOperator, value: Array) -> Array:
    parts = zip(*(_triple(operator, name) for name in ("starts", "sizes", "steps")), strict=True)
    return value[tuple(slice(start, start + size * step, step) for start, size, step in parts)]


def _pad(operator: LoweredOperator, value: Array) -> Array:
    return np.pad(value, tuple(zip(_triple(operator, "before"), _triple(operator, "after"), strict=True)))


_OPERATORS: Mapping[str, Callable[..., Array]] = {
    "conv": _conv,
    "max_pool": _max_pool,
    "slice": _slice,
    "pad": _pad,
    "add": lambda _, a, b: a + b,
    "concat": lambda operator, *parts: np.concatenate(parts, axis=operator.attributes["axis"]),
    "requantize": lambda _, value: value,
}
