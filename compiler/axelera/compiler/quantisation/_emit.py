"""From a network and the scales of its tensors to a program; without scales, to a structure-only program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import Activation, LoweredNetwork, LoweredOperator
from axelera.compiler.quantisation._bias import corrected_bias, tap_shares
from axelera.compiler.quantisation._quantisation import Quantisation
from axemu.model import ops
from axemu.model.program import Attribute, Node, Program, Tensor

Constants = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class FixedWeights:
    """Integer weights and scales that a pre-quantised model brings along: int8 [O,kh,kw,I/group] and float (O,)."""

    weight: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]


def emit(
    network: LoweredNetwork,
    scales: Mapping[str, Quantisation] | None,
    fixed: Mapping[str, FixedWeights] | None = None,
    means: Mapping[str, npt.NDArray[np.float64]] | None = None,
    batch: int = 1,
) -> Program:
    """Write a network as a program.

    Args:
        network: the lowered network.
        scales: quantisation of every tensor, or None for a program without values.
        fixed: weights that are integers already, by operator name.
        means: mean of each channel of tensors that convolutions read, by tensor name; biases are corrected with them.
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
            mean = (means or {}).get(operator.inputs[0]) if operator.inputs else None
            weights = (fixed or {}).get(operator.name)
            values = _constants(operator, network.activations, tensors, weights, mean)
        roles = operator.kind.constants
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
    operator: LoweredOperator, activations: Mapping[str, Activation], tensors: Mapping[str, Tensor]
) -> dict[str, Attribute]:
    """Return what depends on scales: the fill value of a pad and the clamp of a fused ReLU or Clip."""
    output = tensors[operator.output]
    if operator.op == "pad":
        return {"value": int(np.clip(output.zero_point, -128, 127))}
    if not operator.kind.clamps:
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


def _constants(
    operator: LoweredOperator,
    activations: Mapping[str, Activation],
    tensors: Mapping[str, Tensor],
    fixed: FixedWeights | None,
    mean: npt.NDArray[np.float64] | None,
) -> Constants:
    output = tensors[operator.output]
    if operator.kind.has_weights:
        return _conv_constants(operator, tensors[operator.inputs[0]], output, fixed, mean)
    if operator.op == "lut":
        return _table(operator, activations, tensors)
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
    operator: LoweredOperator,
    source: Tensor,
    output: Tensor,
    fixed: FixedWeights | None,
    mean: npt.NDArray[np.float64] | None,
) -> Constants:
    bias = np.asarray(operator.parameters["bias"], np.float32)
    if fixed is not None:
        weight, scale = np.ascontiguousarray(fixed.weight), fixed.scale
        return dict(ops.conv_constants(weight, scale, bias, source.scale, source.zero_point, output.scale))
    real = operator.parameters["weight"]
    scale = ops.weight_scales(real, bias, source.scale)
    weight = np.ascontiguousarray(ops.quantise_weights(real, scale))

    def constants(offset: npt.NDArray[np.float32]) -> Constants:
        return dict(ops.conv_constants(weight, scale, offset, source.scale, source.zero_point, output.scale))

    if mean is None:
        return constants(bias)
    exact, metis = corrected_bias(
        real, weight, scale, bias, mean, source, tap_shares(operator, source, output)
    )
    return constants(exact) | {"bias_f18": constants(metis)["bias_f18"]}


def _table(
    operator: LoweredOperator, activations: Mapping[str, Activation], tensors: Mapping[str, Tensor]
) -> Constants:
    """Return a table (256,), or one per channel (C, 256) where function or scaling differ by channel."""
    if operator.function is None:
        raise AssertionError(f"look-up table {operator.name!r} has no function")
    source, output = tensors[operator.inputs[0]], tensors[operator.output]
    before, after = activations[source.name].rescaling, activations[output.name].rescaling
    differ = before is not None or after is not None or operator.function.per_channel
    table = ops.lut_table(
        operator.function,
        source.scale,
        source.zero_point,
        output.scale,
        output.zero_point,
        channels=source.shape[2] if differ and source.shape[2] > 1 else None,
        before=None if before is None else before.undo,
        after=None if after is None else lambda values: after.apply(values, 1).astype(np.float64),
    )
    return {"table": table}
