"""Scales for every tensor of a network from what calibration saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import TYING, Network
from axelera.compiler.quantisation._emit import Quantisation
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._ranges import least_error, min_max

Real = npt.NDArray[np.float64]


def choose_scales(
    network: Network, observed: Mapping[str, Histogram], *, clip_tails: bool
) -> dict[str, Quantisation]:
    """Return the quantisation of every tensor.

    Tensors that move values between each other share one. Network outputs keep their whole range: the largest value of
    an output is often the one that matters.

    Args:
        network: the lowered network.
        observed: histogram of each observed float value.
        clip_tails: choose the range of least error instead of minimum and maximum.
    """
    groups = network.groups()
    members: dict[str, list[str]] = defaultdict(list)
    for name in network.activations:
        members[groups[name]].append(name)
    exposed = {groups[port.tensor] for port in network.outputs}
    chosen = {}
    for representative, names in members.items():
        histogram = _group_histogram(network, names, observed)
        if clip_tails and representative not in exposed:
            chosen[representative] = least_error(histogram, _common_function(network, names))
        else:
            chosen[representative] = min_max(histogram)
    return {name: chosen[groups[name]] for name in network.activations}


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
    return function if len(function.exact) == 1 and len({id(op.function) for op in readers}) == 1 else None
