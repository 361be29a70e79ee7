"""From a network and the scales of its tensors to a program; without scales, to a structure-only program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import Activation, Network, Operator
from axelera.compiler.lowering._network import CLAMPING
from axelera.model import ops
from axelera.model.program import Attribute, Node, Program, Tensor

Constants = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Quantisation:
    """real = (q - zero_point) * scale; `scale` is a float32 value."""

    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class FixedWeights:
    """Integer weights and scales that a pre-quantised model brings along: int8 [O,kh,kw,I/group] and float (O,)."""

    weight: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]


def emit(
    network: Network,
    scales: Mapping[str, Quantisation] | None,
    fixed: Mapping[str, FixedWeights] | None = None,
    batch: int = 1,
) -> Program:
    """Write a network as a program.

    Args:
        network: the lowered network.
        scales: quantisation of every tensor, or None for a program without values.
        fixed: weights that are integers already, by operator name.
        batch: frames that run at once, one core each.

    Returns:
        A program; with `scales` it is complete and executable.
    """
    tensors = {}
    for activation in network.activations.values():
        quantisation = Quantisation(1.0, 0) if scales is None else scales[activation.name]
        tensors[activation.name] = Tensor(
            activation.name, activation.shape, quantisation.scale, quantisation.zero_point
        )
    constants: Constants = {}
    nodes = []
    for operator in network.operators:
        values = None
        if scales is not None:
            values = _constants(operator, tensors, (fixed or {}).get(operator.name))
        roles = ops.OPERATORS[operator.op].constants
        names = {role: f"{operator.name}.{role}" for role in roles}
        if values is not None:
            constants |= {names[role]: values[role] for role in roles}
        attributes = dict(operator.attributes)
        if scales is not None:
            attributes |= _quantised_attributes(operator, network.activations, tensors)
        nodes.append(Node(operator.op, operator.name, operator.inputs, operator.output, attributes, names))
    return Program(
        network.name,
        batch,
        tensors,
        tuple(nodes),
        tuple(port.tensor for port in network.inputs),
        tuple(port.tensor for port in network.outputs),
        constants,
    )


def _quantised_attributes(
    operator: Operator, activations: Mapping[str, Activation], tensors: Mapping[str, Tensor]
) -> dict[str, Attribute]:
    """Return what depends on scales: the fill value of a pad and the clamp of a fused ReLU or Clip."""
    output = tensors[operator.output]
    if operator.op == "pad":
        return {"value": int(np.clip(output.zero_point, -128, 127))}
    if operator.op not in CLAMPING:
        return {}
    activation = activations[operator.output]
    bounds = {}
    if activation.low is not None:
        bounds["qmin"] = step_of(activation.low, output)
    if activation.high is not None:
        bounds["qmax"] = step_of(activation.high, output)
    if bounds.get("qmin", -128) > bounds.get("qmax", 127):
        bounds["qmax"] = bounds["qmin"]
    return dict(bounds)


def step_of(real: float, tensor: Tensor) -> int:
    """Return the int8 step nearest to a real number."""
    step = real / float(np.float32(tensor.scale)) + tensor.zero_point
    return int(min(max(math.floor(step + 0.5), -128), 127))


def _constants(operator: Operator, tensors: Mapping[str, Tensor], fixed: FixedWeights | None) -> Constants:
    output = tensors[operator.output]
    if operator.op in ("conv", "conv_transpose"):
        return _conv_constants(operator, tensors[operator.inputs[0]], output, fixed)
    if operator.op == "lut":
        return {"table": _table(operator, tensors[operator.inputs[0]], output)}
    if operator.op == "softmax":
        return dict(ops.softmax_constants(tensors[operator.inputs[0]].scale))
    if operator.op == "constant":
        real = np.asarray(operator.parameters["value"], np.float64)
        return {"value": quantise(real, output)}
    if operator.op == "affine":
        return {role: np.asarray(operator.parameters[role], np.float32) for role in ("multiplier", "addend")}
    return {role: np.ascontiguousarray(array) for role, array in operator.parameters.items()}


def quantise(real: npt.NDArray[np.float64], tensor: Tensor) -> npt.NDArray[np.int8]:
    """Return round(real / scale) + zero point, saturated to int8."""
    steps = np.rint(real / float(np.float32(tensor.scale))) + tensor.zero_point
    result: npt.NDArray[np.int8] = np.clip(steps, -128, 127).astype(np.int8)
    return result


def _conv_constants(
    operator: Operator, source: Tensor, output: Tensor, fixed: FixedWeights | None
) -> Constants:
    bias = np.asarray(operator.parameters["bias"], np.float32)
    if fixed is not None:
        weight, scale = fixed.weight, fixed.scale
    else:
        real = operator.parameters["weight"]
        scale = ops.weight_scales(real, bias, source.scale)
        weight = ops.quantise_weights(real, scale)
    return dict(
        ops.conv_constants(
            np.ascontiguousarray(weight), scale, bias, source.scale, source.zero_point, output.scale
        )
    )


def _table(operator: Operator, source: Tensor, output: Tensor) -> npt.NDArray[np.int8]:
    function = operator.function
    if function is None:
        raise AssertionError(f"look-up table {operator.name!r} has no function")
    tables = [
        ops.lut_table(exact, source.scale, source.zero_point, output.scale, output.zero_point)
        for exact in function.exact
    ]
    return tables[0] if len(tables) == 1 else np.stack(tables)
