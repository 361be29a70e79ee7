"""Scales that a pre-quantised model brings along: carried to every tensor, with requantize nodes where they disagree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import TYING, Activation, Network, Operator
from axelera.compiler.quantisation._emit import FixedWeights
from axelera.compiler.quantisation._quantisation import Quantisation


def given_scales(network: Network, scales: Mapping[str, tuple[float, int]]) -> dict[str, Quantisation]:
    """Return the quantisation of the tensors a model decides, inserting requantize nodes in place.

    Args:
        network: the lowered network.
        scales: (scale, zero point) by float value.

    Returns:
        Quantisation by tensor; tensors nobody decided are missing.
    """
    own = {
        name: Quantisation(*scales[value])
        for name, activation in network.activations.items()
        if (value := activation.observe or activation.value) is not None and value in scales
    }
    decided: dict[str, Quantisation] = {
        port.tensor: own[port.tensor] for port in network.inputs if port.tensor in own
    }
    result: list[Operator] = []
    for operator in network.operators:
        if operator.op not in TYING:
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
    return decided


def _agreeing(
    network: Network,
    result: list[Operator],
    operator: Operator,
    name: str,
    wanted: Quantisation,
    decided: dict[str, Quantisation],
) -> str:
    """Return `name`, or a requantised copy of it when it was decided differently."""
    if decided.setdefault(name, wanted) == wanted:
        return name
    node = f"{operator.name}/{name}/requantize"
    output = f"{node}:0"
    network.activations[output] = Activation(output, network.activations[name].shape)
    result.append(Operator("requantize", node, (name,), output, source=operator.source))
    decided[output] = wanted
    return output


def fixed_weights(network: Network, scales: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, FixedWeights]:
    """Return the integers behind float weights.

    Args:
        network: the lowered network.
        scales: scale per output channel, or one, by operator.
    """
    result = {}
    for operator in network.operators:
        if operator.name not in scales or operator.op not in ("conv", "conv_transpose"):
            continue
        real = np.asarray(operator.parameters["weight"], np.float64)
        scale = np.broadcast_to(scales[operator.name], (real.shape[0],)).astype(np.float32)
        integers = np.clip(np.rint(real / scale.astype(np.float64).reshape(-1, 1, 1, 1)), -128, 127)
        result[operator.name] = FixedWeights(integers.astype(np.int8), scale)
    return result
