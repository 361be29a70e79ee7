"""Scales for every tensor of a network from what calibration saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import TYING, Network, Operator
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._noise import accumulator_noise, total_error
from axelera.compiler.quantisation._quantisation import Quantisation
from axelera.compiler.quantisation._ranges import least_error, min_max

Real = npt.NDArray[np.float64]


def choose_scales(
    network: Network,
    observed: Mapping[str, Histogram],
    means: Mapping[str, Real],
    *,
    clip_tails: bool,
) -> dict[str, Quantisation]:
    """Return the quantisation of every tensor.

    Tensors that move values between each other share one. Network outputs keep their whole range: the largest value of
    an output is often the one that matters. Network inputs too: the host's recipe should not clip what it is given.

    Args:
        network: the lowered network.
        observed: histogram of each observed float value.
        means: mean of each channel, by tensor.
        clip_tails: choose the range of least error instead of minimum and maximum.
    """
    groups = network.groups()
    members: dict[str, list[str]] = defaultdict(list)
    for name in network.activations:
        members[groups[name]].append(name)
    exposed = {groups[port.tensor] for port in (*network.inputs, *network.outputs)}
    readers: dict[str, list[Operator]] = defaultdict(list)
    for operator in network.operators:
        for name in operator.inputs:
            readers[name].append(operator)
    chosen = {}
    for representative, names in members.items():
        histogram = _group_histogram(network, names, observed)
        if clip_tails and representative not in exposed:
            chosen[representative] = least_error(
                histogram, _common_function(network, names), _penalty(names, readers, means, histogram)
            )
        else:
            chosen[representative] = min_max(histogram)
    return {name: chosen[groups[name]] for name in network.activations}


def _penalty(
    names: list[str], readers: Mapping[str, list[Operator]], means: Mapping[str, Real], histogram: Histogram
) -> Callable[[Quantisation], float] | None:
    """Return what the choice for a group costs in the accumulators of the convolutions that read it."""
    spread = histogram.deviation
    found = [
        accumulator_noise(operator, means[name], spread)
        for name in names
        if name in means
        for operator in readers.get(name, ())
    ]
    noises = [noise for noise in found if noise is not None]
    return (lambda quantisation: total_error(noises, quantisation)) if noises else None


def _group_histogram(network: Network, names: list[str], observed: Mapping[str, Histogram]) -> Histogram:
    """Return the values of a group: of its concats when it has any (they hold all the others), else of its sources."""
    writer = network.producer()
    concats = [name for name in names if name in writer and writer[name].op == "concat"]
    sources = [name for name in names if name not in writer or writer[name].op not in TYING]
    result = Histogram()
    seen: set[str] = set()
    for name in concats or sources:
        watched = network.activations[name].observe
        if watched is not None and watched not in seen:
            seen.add(watched)
            result = result.merged(observed[watched])
    constants = [writer[name] for name in sources if name in writer and writer[name].op == "constant"]
    for operator in constants:
        part = Histogram()
        part.add(np.asarray(operator.parameters["value"], np.float32), operator.name)
        result = result.merged(part)
    return result


def _common_function(network: Network, names: list[str]) -> Callable[[Real], Real] | None:
    """Return the function through which all readers see a group, when they are tables of one function."""
    inside = set(names)
    readers = [op for op in network.operators if inside & set(op.inputs) and op.output not in inside]
    functions = {
        operator.function.name: operator.function for operator in readers if operator.function is not None
    }
    if not readers or len(functions) != 1 or any(operator.op != "lut" for operator in readers):
        return None
    function = next(iter(functions.values()))
    rescaled = any(network.activations[name].rescaling is not None for name in names)
    alike = len({id(operator.function) for operator in readers}) == 1
    return function if alike and not rescaled and not function.per_channel else None
