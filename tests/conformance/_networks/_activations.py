"""Activations, each in the spelling that its opset has, or that exporters use for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from tests.conformance._networks._graph import Graph, Map

Activation = Callable[[Graph, Map], Map]


def _scalar(graph: Graph, value: float) -> str:
    return graph.constant(np.float32(value))


def _simple(op: str, **attributes: float) -> Activation:
    return lambda graph, x: graph.map(op, x.name, shape=x.shape, **attributes)


def _clip(low: float, high: float) -> Activation:
    return lambda graph, x: graph.map(
        "Clip", x.name, _scalar(graph, low), _scalar(graph, high), shape=x.shape
    )


def _prelu(graph: Graph, x: Map) -> Map:
    count = x.channels if graph.chance(2) else 1
    slopes = graph.numbers.uniform(0.05, 0.6, (count, *(1,) * len(x.plane))).astype(np.float32)
    return graph.map("PRelu", x.name, graph.constant(slopes), shape=x.shape)


def _silu(graph: Graph, x: Map) -> Map:
    gate = graph.map("Sigmoid", x.name, shape=x.shape)
    return graph.map("Mul", x.name, gate.name, shape=x.shape)


def _hard_swish(graph: Graph, x: Map) -> Map:
    if graph.opset >= 14:
        return graph.map("HardSwish", x.name, shape=x.shape)
    gate = graph.map("HardSigmoid", x.name, shape=x.shape, alpha=1 / 6, beta=0.5)
    return graph.map("Mul", x.name, gate.name, shape=x.shape)


def _gelu(graph: Graph, x: Map) -> Map:
    if graph.opset >= 20:
        return graph.map("Gelu", x.name, shape=x.shape, approximate=graph.pick("none", "tanh"))
    inner = graph.map("Div", x.name, _scalar(graph, np.sqrt(2)), shape=x.shape)
    erf = graph.map("Erf", inner.name, shape=x.shape)
    more = graph.map("Add", erf.name, _scalar(graph, 1), shape=x.shape)
    both = graph.map("Mul", x.name, more.name, shape=x.shape)
    return graph.map("Mul", both.name, _scalar(graph, 0.5), shape=x.shape)


def _mish(graph: Graph, x: Map) -> Map:
    if graph.opset >= 18:
        return graph.map("Mish", x.name, shape=x.shape)
    softplus = graph.map("Softplus", x.name, shape=x.shape)
    gate = graph.map("Tanh", softplus.name, shape=x.shape)
    return graph.map("Mul", x.name, gate.name, shape=x.shape)


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": _simple("Relu"),
    "relu6": _clip(0, 6),
    "hard_tanh": _clip(-1, 1),
    "leaky_relu": _simple("LeakyRelu", alpha=0.1),
    "prelu": _prelu,
    "sigmoid": _simple("Sigmoid"),
    "tanh": _simple("Tanh"),
    "silu": _silu,
    "hard_sigmoid": _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_swish": _hard_swish,
    "gelu": _gelu,
    "mish": _mish,
    "selu": _simple("Selu"),
}
"""What the operator matrix allows."""

OTHERS: Mapping[str, Activation] = {
    "clip": _clip(-0.5, 2),
    "elu": _simple("Elu"),
    "softplus": _simple("Softplus"),
    "erf": _simple("Erf"),
    "abs": _simple("Abs"),
    "neg": _simple("Neg"),
}
"""What it refuses, unless the host can run it."""


def activation(graph: Graph, x: Map) -> Map:
    """Append an activation, seldom one that the matrix does not have."""
    known = OTHERS if graph.chance(25) else ACTIVATIONS
    return known[graph.pick(*known)](graph, x)
