"""Scales that a pre-quantised model brings along: carried to every tensor, with requantize nodes where they disagree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from axelera.compiler._errors import ModelError
from axelera.compiler.lowering import Activation, LoweredNetwork, LoweredOperator
from axelera.compiler.quantisation._emit import FixedWeights
from axelera.compiler.quantisation._quantisation import Quantisation

_EXACT = 1e-3
"""Integers times a float32 scale, divided by it again, are integers but for rounding."""


def given_scales(
    network: LoweredNetwork, scales: Mapping[str, tuple[float, int]]
) -> tuple[LoweredNetwork, dict[str, Quantisation]]:
    """Carry the scales that a model brings to every tensor, with requantize nodes where they disagree.

    Args:
        network: the lowered network.
        scales: (scale, zero point) by float value.

    Returns:
        The network with these nodes, and the quantisation by tensor; tensors nobody decided are missing.
    """
    network = network.copy()
    own = {
        name: Quantisation(*scales[value])
        for name, activation in network.activations.items()
        if (value := activation.observe or activation.value) is not None and value in scales
    }
    decided: dict[str, Quantisation] = {
        port.tensor: own[port.tensor] for port in network.inputs if port.tensor in own
    }
    result: list[LoweredOperator] = []
    for operator in network.operators:
        if not operator.kind.same_scale:
            if operator.output in own:
                decided[operator.output] = own[operator.output]
            result.append(operator)
            continue
        wanted = own.get(operator.output) or next((decided[n] for n in operator.inputs if n in decided), None)
        if wanted is not None:
            decided[operator.output] = wanted
            operator.inputs = tuple(
                _agreeing(network, result, operator, n, wanted, decided) for n in operator.inputs
            )
        result.append(operator)
    network.operators = result
    return network, decided


def _agreeing(
    network: LoweredNetwork,
    result: list[LoweredOperator],
    operator: LoweredOperator,
    name: str,
    wanted: Quantisation,
    decided: dict[str, Quantisation],
) -> str:
    """Return `name`, or a requantised copy of it when it was decided differently."""
    if decided.setdefault(name, wanted) == wanted:
        return name
    node = network.free_name(f"{operator.name}/{name}/requantize")
    output = network.free_name(f"{node}:0")
    network.activations[output] = Activation(output, network.activations[name].shape)
    result.append(LoweredOperator("requantize", node, (name,), output, source=operator.source))
    decided[output] = wanted
    return output


def fixed_weights(
    network: LoweredNetwork, scales: Mapping[str, npt.NDArray[np.float32]]
) -> dict[str, FixedWeights]:
    """Return the integers behind float weights.

    Args:
        network: the lowered network.
        scales: scale per output channel, or one, by operator.

    Raises:
        ModelError: the weights of an operator are no multiples of these scales: they belong to another axis.
    """
    result = {}
    for operator in network.operators:
        if operator.name not in scales or not operator.kind.has_weights:
            continue
        real = np.asarray(operator.parameters["weight"], np.float64)
        given = scales[operator.name]
        if given.size not in (1, real.shape[0]):
            raise _of_another_axis(operator)
        scale = np.broadcast_to(given, (real.shape[0],)).astype(np.float32)
        steps = real / scale.astype(np.float64).reshape(-1, 1, 1, 1)
        integers = np.clip(np.rint(steps), -128, 127)
        if not np.abs(steps - integers).max(initial=0) < _EXACT:
            raise _of_another_axis(operator)
        result[operator.name] = FixedWeights(integers.astype(np.int8), scale)
    return result


def _of_another_axis(operator: LoweredOperator) -> ModelError:
    return ModelError(
        f"the weights of {operator.name!r} are quantised along another axis than its output channels; quantise them per "
        "tensor or per output channel"
    )
