"""Functions of one number: what a look-up table holds.

The functions themselves are those of the specification (`axemu.model.ops`). Groups of element-wise operators that
together are a known activation (SiLU, HardSwish, GELU, Mish, in whatever spelling an exporter chose) are recognised by
what they compute, not by how they are written.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from axelera.compiler.frontend._ir import (
    attribute,
    constant_of,
    is_constant,
    known_shape,
    optional_input,
    shape_of,
)
from axelera.compiler.frontend._rules import activations
from axemu.model.ops import FUNCTIONS, PointwiseFunction

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fusion:
    """Element-wise operators that together apply `function` to the value `root`."""

    function: PointwiseFunction
    root: ir.Value
    nodes: frozenset[ir.Node]


CATALOGUE: Mapping[str, PointwiseFunction] = {
    **{name: FUNCTIONS[name] for name in ("silu", "hard_swish", "gelu", "gelu_tanh", "mish")},
    "hard_sigmoid": FUNCTIONS["hard_sigmoid"].having(alpha=1.0 / 6.0),
}
"""Activations that exporters spell with several operators."""


_PROBE = np.concatenate([np.linspace(-12.0, 12.0, 1537), [-60.0, -25.0, 25.0, 60.0]])
_TOLERANCE = 2e-4

_BINARY: Mapping[str, Callable[[Real, Real], Real]] = {
    "Add": np.add,
    "Mul": np.multiply,
    "Sub": np.subtract,
    "Div": np.divide,
    "Pow": np.power,
    "Min": np.minimum,
    "Max": np.maximum,
}
_LARGEST_GROUP = 12


def node_function(node: ir.Node) -> PointwiseFunction | None:
    """Return the function of a single activation operator, or None when `node` is not one with constant parameters."""
    kind = node.op_type
    if kind in activations():
        name, parameters = activations()[kind]
        function = FUNCTIONS[name]
        return function.having(**{key: attribute(node, key, function.parameters[key]) for key in parameters})
    if kind == "Gelu":
        return FUNCTIONS["gelu_tanh" if attribute(node, "approximate", "none") == "tanh" else "gelu"]
    if kind == "Clip":
        return _clip(node)
    if kind == "PRelu":
        return _prelu(node)
    return None


def _clip(node: ir.Node) -> PointwiseFunction | None:
    low, high = clip_bounds(node)
    given = sum(optional_input(node, index) is not None for index in (1, 2))
    if given != (low is not None) + (high is not None):
        return None
    least, most = -math.inf if low is None else low, math.inf if high is None else high
    return replace(FUNCTIONS["relu6"].having(low=least, high=most), name="clip")


def clip_bounds(node: ir.Node) -> tuple[float | None, float | None]:
    """Return the constant bounds of a Clip; None where one is absent or computed."""
    bounds = [constant_of(optional_input(node, index)) for index in (1, 2)]
    low, high = (
        None if bound is None or bound.size != 1 else float(bound.reshape(-1)[0]) for bound in bounds
    )
    return low, high


def _prelu(node: ir.Node) -> PointwiseFunction | None:
    slope = constant_of(node.inputs[1])
    shape = shape_of(node.inputs[0])
    if slope is None or shape is None:
        return None
    slopes = slope.reshape(-1).astype(np.float64)
    aligned = (1,) * (len(shape) - slope.ndim) + slope.shape
    if len(slopes) != 1 and (len(shape) < 2 or aligned != (1, shape[1], *(1,) * (len(shape) - 2))):
        return None
    return replace(FUNCTIONS["leaky_relu"].having(alpha=slopes), name="prelu")


def find_fusions(graph: ir.Graph) -> dict[ir.Value, Fusion]:
    """Find groups of element-wise operators that compute a known activation of one value.

    Returns:
        From the value a group produces to the group. Groups don't overlap; inner values are read by nobody else.
    """
    trees: dict[ir.Value, dict[ir.Value, frozenset[ir.Node]]] = {}
    for node in graph:
        if len(node.outputs) == 1 and (roots := _roots(node, trees)):
            trees[node.outputs[0]] = roots
    fusions: dict[ir.Value, Fusion] = {}
    taken: set[ir.Node] = set()
    for value in reversed(list(trees)):
        for root, nodes in sorted(trees[value].items(), key=lambda item: -len(item[1])):
            if len(nodes) < 2 or nodes & taken or not _is_closed(value, nodes):
                continue
            function = _recognise(value, root, nodes)
            if function is not None:
                fusions[value] = Fusion(function, root, nodes)
                taken |= nodes
                break
    return fusions


def _roots(
    node: ir.Node, trees: Mapping[ir.Value, Mapping[ir.Value, frozenset[ir.Node]]]
) -> dict[ir.Value, frozenset[ir.Node]]:
    if node.op_type not in _BINARY and (node.op_type == "PRelu" or node_function(node) is None):
        return {}
    common: dict[ir.Value, frozenset[ir.Node]] | None = None
    operands = [v for v in node.inputs if v is not None and not is_constant(v)]
    for operand in operands:
        reach = {operand: frozenset[ir.Node](), **trees.get(operand, {})}
        common = (
            reach
            if common is None
            else {root: nodes | reach[root] for root, nodes in common.items() if root in reach}
        )
    if node.op_type in _BINARY and any(
        is_constant(v) and int(np.prod(known_shape(v), dtype=np.int64)) != 1
        for v in node.inputs
        if v is not None
    ):
        return {}
    own = frozenset({node})
    return {root: nodes | own for root, nodes in (common or {}).items() if len(nodes) < _LARGEST_GROUP}


def _is_closed(value: ir.Value, nodes: frozenset[ir.Node]) -> bool:
    inner = [node.outputs[0] for node in nodes if node.outputs[0] is not value]
    return all(not v.is_graph_output() and all(user in nodes for user in v.consumers()) for v in inner)


def _recognise(value: ir.Value, root: ir.Value, nodes: frozenset[ir.Node]) -> PointwiseFunction | None:
    with np.errstate(all="ignore"):
        probed = _evaluate(value, root, nodes, {})
    for name, expected in _catalogue_on_probe().items():
        if np.all(np.abs(probed - expected) <= _TOLERANCE * np.maximum(1.0, np.abs(expected))):
            return CATALOGUE[name]
    return None


@functools.cache
def _catalogue_on_probe() -> Mapping[str, Real]:
    with np.errstate(all="ignore"):
        return {name: function.quick(_PROBE) for name, function in CATALOGUE.items()}


def _evaluate(value: ir.Value, root: ir.Value, nodes: frozenset[ir.Node], memo: dict[ir.Value, Real]) -> Real:
    if value is root:
        return _PROBE
    if value in memo:
        return memo[value]
    array = constant_of(value)
    if array is not None:
        return np.asarray(array, np.float64).reshape(-1)[:1]
    node = value.producer()
    if node is None or node not in nodes:
        raise AssertionError(f"value {value.name!r} is not part of the group")
    if node.op_type in _BINARY:
        operands = [_evaluate(v, root, nodes, memo) for v in node.inputs if v is not None]
        result = operands[0]
        for operand in operands[1:]:
            result = _BINARY[node.op_type](result, operand)
    else:
        function = node_function(node)
        if function is None or node.inputs[0] is None:
            raise AssertionError(f"operator {node.op_type} is not element-wise")
        result = function.quick(_evaluate(node.inputs[0], root, nodes, memo))
    memo[value] = np.broadcast_to(result, _PROBE.shape)
    return memo[value]
