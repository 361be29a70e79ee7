"""Random small networks: what a seed stands for, and the same as a hypothesis strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import numpy as np
import onnx
from hypothesis import strategies as st
from tests.conformance._networks._activations import ACTIVATIONS, activation
from tests.conformance._networks._bound import runs
from tests.conformance._networks._combine import (
    arithmetic,
    diamond,
    joined,
    padded,
    parts,
    resized,
    sliced,
    squeeze_and_excite,
)
from tests.conformance._networks._graph import Graph, Map
from tests.conformance._networks._windows import (
    batch_norm,
    convolution,
    global_pool,
    pointwise,
    pool,
    transposed,
)

OPSETS = (11, 22)
"""Oldest and newest operator set a network is written in."""
LARGEST = 1 << 15
"""Elements of a map, at most."""


def _convolution(graph: Graph, x: Map) -> Map | None:
    made = convolution(graph, x)
    for _ in range(graph.random.randrange(3)):
        made = None if made is None else activation(graph, made)
    return made


def _short_cut(graph: Graph, x: Map) -> Map | None:
    """A layer beside `x`, added to it where it has kept the shape."""
    made = convolution(graph, x, x.channels)
    if made is None or made.shape != x.shape:
        return made
    made = activation(graph, made) if graph.chance(2) else made
    return graph.map("Add", x.name, made.name, shape=x.shape)


LAYERS: tuple[tuple[int, Callable[[Graph, Map], Map | None]], ...] = (
    (6, _convolution),
    (2, _short_cut),
    (2, transposed),
    (2, activation),
    (3, pool),
    (1, global_pool),
    (1, batch_norm),
    (3, joined),
    (3, arithmetic),
    (1, squeeze_and_excite),
    (2, resized),
    (2, sliced),
    (1, padded),
    (2, diamond),
)
"""How often each layer is taken."""
_TABLE = [layer for weight, layer in LAYERS for _ in range(weight)]


def _head(graph: Graph, x: Map) -> Map:
    """Append what ends a network: a classifier, or another view of a map."""
    kind = graph.random.randrange(12)
    if kind < 3:
        return x
    if kind < 6:
        return _classifier(graph, x)
    return _VIEWS[graph.pick(*_VIEWS)](graph, x)


def _softmax(graph: Graph, x: Map) -> Map:
    axis = graph.pick(1, -1) if graph.opset >= 13 else 1
    return graph.map("Softmax", x.name, shape=x.shape, axis=axis)


def _transpose(graph: Graph, x: Map) -> Map:
    perm = graph.pick((0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 1, 2), (0, 1, 2, 3))
    return graph.map("Transpose", x.name, shape=tuple(x.shape[a] for a in perm), perm=perm)


def _reshape(graph: Graph, x: Map) -> Map:
    shape = graph.pick((1, -1), (1, x.channels, -1), (1, x.channels * x.plane[0], x.plane[1]), (0, 0, -1))
    return graph.map("Reshape", x.name, graph.numbers_of(shape), shape=())


def _squeeze(graph: Graph, x: Map) -> Map:
    x = global_pool(graph, x)
    if graph.opset >= 13:
        return graph.map("Squeeze", x.name, graph.numbers_of([2, 3]), shape=x.shape[:2])
    return graph.map("Squeeze", x.name, shape=x.shape[:2], axes=[2, 3])


def _depth_to_space(graph: Graph, x: Map) -> Map:
    x = pointwise(graph, x, 4 * graph.pick(3, 1, 16))
    return graph.map("DepthToSpace", x.name, shape=(), blocksize=2)


def _flatten(graph: Graph, x: Map) -> Map:
    flat = (1, int(np.prod(x.shape)))
    if graph.chance(3):
        return graph.map("Reshape", x.name, graph.numbers_of(graph.pick((1, -1), (0, -1), flat)), shape=flat)
    return graph.map("Flatten", x.name, shape=flat, axis=1)


_VIEWS: Mapping[str, Callable[[Graph, Map], Map]] = {
    "flatten": _flatten,
    "reshape": _reshape,
    "transpose": _transpose,
    "softmax": _softmax,
    "squeeze": _squeeze,
    "depth_to_space": _depth_to_space,
}


def _classifier(graph: Graph, x: Map) -> Map:
    x = _flatten(graph, x if graph.chance(3) else global_pool(graph, x))
    return x if x.shape[1] > 4096 else _dense(graph, x)


def _dense(graph: Graph, x: Map) -> Map:
    outputs = graph.pick(10, 3, 17, 64)
    for last in (False, True) if graph.chance(3) else (True,):
        if graph.chance(3):
            weight = graph.weight((x.shape[1], outputs), x.shape[1])
            x = graph.map("MatMul", x.name, weight, shape=(1, outputs))
            x = graph.map("Add", x.name, graph.bias(outputs), shape=x.shape) if graph.chance(2) else x
        elif graph.chance(2):
            weight = graph.weight((outputs, x.shape[1]), x.shape[1])
            x = graph.map("Gemm", x.name, weight, graph.bias(outputs), shape=(1, outputs), transB=1)
        else:
            weight = graph.weight((x.shape[1], outputs), x.shape[1])
            x = graph.map("Gemm", x.name, weight, shape=(1, outputs), alpha=graph.pick(1.0, 0.5))
        if not last:
            x = graph.map("Relu", x.name, shape=x.shape)
    if graph.chance(3):
        x = graph.map(graph.pick("Softmax", "Sigmoid", "LogSoftmax"), x.name, shape=x.shape)
    return x


def network(random: Random) -> onnx.ModelProto:
    """Return the network that a stream of random numbers stands for: the first that ONNX Runtime runs.

    In operator sets before 22 ONNX counts one window more than ONNX Runtime where it would start behind a map, and a
    matrix that fits the one does not fit the other.
    """
    while not runs(model := _network(random)):
        pass
    return model


def _network(random: Random) -> onnx.ModelProto:
    graph = Graph(random, random.randint(*OPSETS))
    if graph.chance(30):
        return graph.model([_dense(graph, graph.input((1, graph.pick(16, 5, 64, 100)))).name])
    shape = (1, graph.pick(3, 1, 4, 5, 8, 16, 20, 64), random.randint(4, 14), random.randint(4, 14))
    graph.input(shape)
    if graph.chance(6):
        graph.input(shape if graph.chance(2) else (1, graph.pick(3, 8), *shape[2:]))
    if not graph.chance(6):
        graph.maps.append(pointwise(graph, graph.inputs[0], graph.pick(8, 5, 16, 24, 64)))
    for _ in range(random.randint(1, 9)):
        x = graph.maps[-1] if not graph.chance(3) else graph.pick(*graph.maps)
        if graph.chance(16):
            made = parts(graph, x)
        else:
            layer = graph.pick(*_TABLE)(graph, x)
            made = [] if layer is None else [layer]
        if all(np.prod(found.shape) <= LARGEST for found in made):
            graph.maps += made
    computed = [x for x in graph.maps if x not in graph.inputs]
    if not computed:
        computed.append(pointwise(graph, graph.inputs[0], 8))
    ends = [_head(graph, computed[-1])]
    more = random.randrange(3) if graph.chance(2) else 0
    ends.extend(_head(graph, graph.pick(*computed)) for _ in range(more))
    return graph.model(list(dict.fromkeys(end.name for end in ends)))


def from_seed(seed: int) -> onnx.ModelProto:
    """Return the network of a seed."""
    return network(Random(seed))


def activation_pair(first: str, second: str, seed: int = 0) -> onnx.ModelProto:
    """Return convolution, two activations, convolution."""
    graph = Graph(Random(seed), 17)
    x = convolution(graph, graph.input((1, 3, 8, 8)), 20) or pointwise(graph, graph.inputs[0], 20)
    x = ACTIVATIONS[second](graph, ACTIVATIONS[first](graph, x))
    return graph.model([x.name, pointwise(graph, x, 8).name])


def networks() -> st.SearchStrategy[onnx.ModelProto]:
    """Random networks as a strategy."""
    return st.randoms(use_true_random=False).map(network)
