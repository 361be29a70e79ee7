"""Scales for every tensor of a network from what calibration saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from axelera.compiler.lowering import LoweredNetwork, LoweredOperator
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._noise import accumulator_noise, total_error
from axelera.compiler.quantisation._quantisation import Quantisation
from axelera.compiler.quantisation._ranges import least_error, min_max

Real = npt.NDArray[np.float64]


def choose_scales(
    network: LoweredNetwork,
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
    readers: dict[str, list[LoweredOperator]] = defaultdict(list)
    for operator in network.operators:
        for name in operator.inputs:
            readers[name].append(operator)
    chosen = {}
    for representative, names in members.items():
        histogram = _group_histogram(network, names, observed)
        if clip_tails and representative not in exposed:
            chosen[representative] = least_error(
                histogram, _only_function(network, names), _penalty(names, readers, means, histogram)
            )
        else:
            chosen[representative] = min_max(histogram)
    return {name: chosen[groups[name]] for name in network.activations}


@dataclass(frozen=True, slots=True)
class Clipped:
    """A tensor whose scale does not reach all that calibration saw.

    Attributes:
        tensor: its name.
        share: of the values seen, those that are clipped.
        seen: the value furthest from zero among them.
        limit: what becomes of it.
    """

    tensor: str
    share: float
    seen: float
    limit: float


def clipped(
    network: LoweredNetwork, observed: Mapping[str, Histogram], chosen: Mapping[str, Quantisation]
) -> list[Clipped]:
    """Return the tensors that are clipped, the largest shares first; not those that only a table reads.

    (What saturates behind a table is no loss.)
    """
    found = []
    for name, activation in network.activations.items():
        if activation.observe is None or _only_function(network, [name]) is not None:
            continue
        histogram, quantisation = observed[activation.observe], chosen[name]
        low, high = ((end - quantisation.zero_point) * quantisation.scale for end in (-128, 127))
        slack = quantisation.scale / 2
        values = histogram.centres()
        outside = (values < low - slack) | (values > high + slack)
        count = int(histogram.counts[outside].sum())
        if count:
            above = histogram.maximum - high >= low - histogram.minimum
            seen, limit = (histogram.maximum, high) if above else (histogram.minimum, low)
            found.append(Clipped(name, count / histogram.total, seen, limit))
    return sorted(found, key=lambda one: -one.share)


def _penalty(
    names: list[str],
    readers: Mapping[str, list[LoweredOperator]],
    means: Mapping[str, Real],
    histogram: Histogram,
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


def _group_histogram(
    network: LoweredNetwork, names: list[str], observed: Mapping[str, Histogram]
) -> Histogram:
    """Return the values of a group: of its concats, and of its sources unless a concat holds them whole."""
    writer = network.producer()
    concats = [name for name in names if name in writer and writer[name].op == "concat"]
    sources = [name for name in names if name not in writer or not writer[name].kind.same_scale]
    held = _held_by_concats(network, set(names)) if concats else set()
    result = Histogram()
    seen: set[str] = set()
    for name in [*concats, *(source for source in sources if source not in held)]:
        watched = _observation(network, writer, name)
        if watched is not None and watched not in seen:
            seen.add(watched)
            result = result.merged(observed[watched])
    constants = [writer[name] for name in sources if name in writer and writer[name].op == "constant"]
    for operator in constants:
        part = Histogram()
        part.add(np.asarray(operator.parameters["value"], np.float32), operator.name)
        result = result.merged(part)
    return result


def _observation(network: LoweredNetwork, writer: Mapping[str, LoweredOperator], name: str) -> str | None:
    """Return the float value that shows the numbers of a tensor; those of a copy are those of its source."""
    while network.activations[name].observe is None:
        copy = writer.get(name)
        if copy is None or not copy.kind.moves_values or copy.op == "concat":
            return None
        name = copy.inputs[0]
    return network.activations[name].observe


def _held_by_concats(network: LoweredNetwork, names: set[str]) -> set[str]:
    """Return the tensors of a group of which its concats show every value that anybody reads."""
    readers: dict[str, list[LoweredOperator]] = defaultdict(list)
    for operator in network.operators:
        for name in operator.inputs:
            readers[name].append(operator)
    results = {operator.output for operator in network.operators}
    inputs = [name for name in network.activations if name not in results]
    exposed = {port.tensor for port in (*network.inputs, *network.outputs)}
    entire: set[str] = set()  # every value reaches a concat
    held: set[str] = set()  # or is read by nobody
    for name in [*(operator.output for operator in reversed(network.operators)), *inputs]:
        if name not in names:
            continue
        moved = [operator for operator in readers[name] if operator.kind.same_scale]
        onward = [operator for operator in moved if operator.op == "concat" or operator.output in entire]
        if any(_is_whole(operator, network) for operator in onward) or _cover(
            [operator for operator in onward if operator.op == "slice"], network.activations[name].shape
        ):
            entire.add(name)
            held.add(name)
        elif (
            readers[name]
            and name not in exposed
            and all(operator.kind.same_scale and operator.output in held for operator in readers[name])
        ):
            held.add(name)
    return held


def _is_whole(operator: LoweredOperator, network: LoweredNetwork) -> bool:
    """Tell whether the output of an operator that moves values holds every value of its inputs."""
    if operator.op == "resize_nearest":
        before, after = (network.activations[n].shape for n in (operator.inputs[0], operator.output))
        return all(a <= b for a, b in zip(before, after, strict=True))
    return operator.op in ("concat", "pad", "reshape", "transpose")


def _cover(slices: Sequence[LoweredOperator], shape: tuple[int, int, int]) -> bool:
    """Tell whether slices of a tensor, each of one axis, leave nothing of it out."""
    for axis, extent in enumerate(shape):
        taken = np.zeros(extent, bool)
        for operator in slices:
            starts, sizes, steps = (_triple(operator, key) for key in ("starts", "sizes", "steps"))
            if all(sizes[other] == shape[other] for other in range(3) if other != axis):
                taken[starts[axis] : starts[axis] + sizes[axis] * steps[axis] : steps[axis]] = True
        if taken.all():
            return True
    return False


def _triple(operator: LoweredOperator, key: str) -> tuple[int, int, int]:
    return cast("tuple[int, int, int]", operator.attributes[key])


def _only_function(network: LoweredNetwork, names: list[str]) -> Callable[[Real], Real] | None:
    """Return the function through which a group is seen, when all that reads it is one table."""
    inside = set(names)
    readers = [op for op in network.operators if inside & set(op.inputs) and op.output not in inside]
    function = readers[0].function if len(readers) == 1 else None
    rescaled = any(network.activations[name].rescaling is not None for name in names)
    return None if function is None or rescaled or function.per_channel else function.quick
