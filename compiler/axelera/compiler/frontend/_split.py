"""Parting a network into what the host does before, what the chip runs, and what the host does after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from axelera.compiler._errors import ModelError, UnsupportedModelError
from axelera.compiler._violation import Violation
from axelera.compiler.frontend._attention import attention_nodes
from axelera.compiler.frontend._cost import multiply_accumulates
from axelera.compiler.frontend._ir import ancestors, data_inputs, descendants, is_constant, node_label
from axelera.compiler.frontend._pointwise import Fusion, find_fusions
from axelera.compiler.frontend._rules import MATRIX_OPSET, check_node, check_values
from axelera.compiler.frontend._views import leave_views_to_host

NEGLIGIBLE = 0.02
"""Share of a network's multiply-accumulates that may go to the host along with an unsupported operator."""

_MOVEMENT = frozenset({"Concat", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})


@dataclass(frozen=True, slots=True)
class Partition:
    """Node lists in topological order, the values that cross from host to chip and back, and fused activations."""

    before: tuple[ir.Node, ...]
    chip: tuple[ir.Node, ...]
    after: tuple[ir.Node, ...]
    inputs: tuple[ir.Value, ...]
    outputs: tuple[ir.Value, ...]
    fusions: dict[ir.Value, Fusion]


def partition(
    graph: ir.Graph,
    name: str,
    *,
    validate: bool = True,
    split: bool = True,
    allow_host_segments: bool = False,
) -> Partition:
    """Part a simplified graph.

    Args:
        graph: the graph, with static shapes.
        name: what messages call the model.
        validate: apply the operator matrix; without it everything with a lowering is tried on the chip.
        split: let the host run unsupported operators at both ends.
        allow_host_segments: move an unsupported operator in the middle to the host together with everything before or
            after it, whichever costs the chip less.

    Raises:
        UnsupportedModelError: operators in the middle break rules; all of them are listed.
        ModelError: nothing is left for the chip.
    """
    fusions = find_fusions(graph)
    fused = {node for fusion in fusions.values() for node in fusion.nodes}
    attention = attention_nodes(graph)
    broken: dict[ir.Node, list[Violation]] = {}
    for node in graph:
        judge = node not in fused and validate
        if violations := check_node(node, attention) if judge else check_values(node):
            broken[node] = violations
    before, after, middle = _assign(graph, broken, allow_host_segments=allow_host_segments)
    if not split:
        middle = list(broken)
    if middle:
        raise UnsupportedModelError(name, [v for node in graph if node in middle for v in broken[node]])
    _extend(graph, before, after)
    leave_views_to_host(graph, before, after, attention)
    if before & after:
        culprits = [v for node in graph if node in before & after and node in broken for v in broken[node]]
        raise UnsupportedModelError(name, culprits)
    chip = tuple(node for node in graph if node not in before and node not in after)
    if not chip and broken:
        raise UnsupportedModelError(name, [v for node in graph for v in broken.get(node, ())])
    if not chip:
        raise ModelError(
            f"model {name!r}: no operator is left for the chip; all of them can only run on the host"
        )
    _check_borders(graph, name, before, after)
    return Partition(
        tuple(node for node in graph if node in before),
        chip,
        tuple(node for node in graph if node in after),
        _entering(graph, chip),
        _leaving(graph, chip),
        {value: fusion for value, fusion in fusions.items() if fusion.nodes <= set(chip)},
    )


def check_graph(graph: ir.Graph, opset: int = MATRIX_OPSET) -> list[Violation]:
    """Return what every operator of a simplified graph breaks of a matrix, wherever it would run.

    Activations that are recognised as a whole count as one operator, except by the older table, which knows no such.
    """
    attention = attention_nodes(graph)
    fused = (
        {node for fusion in find_fusions(graph).values() for node in fusion.nodes}
        if opset == MATRIX_OPSET
        else set()
    )
    return [found for node in graph if node not in fused for found in check_node(node, attention, opset)]


def _assign(
    graph: ir.Graph, broken: dict[ir.Node, list[Violation]], *, allow_host_segments: bool
) -> tuple[set[ir.Node], set[ir.Node], list[ir.Node]]:
    cost = {node: multiply_accumulates(node) for node in graph}
    total = max(sum(cost.values()), 1)
    before: set[ir.Node] = set()
    after: set[ir.Node] = set()
    middle = []
    for node in broken:
        if node in before or node in after:
            continue
        upstream, downstream = ancestors([node]), descendants([node])
        share_up = sum(cost[other] for other in upstream) / total
        share_down = sum(cost[other] for other in downstream) / total
        early, late = share_up <= NEGLIGIBLE, share_down <= NEGLIGIBLE
        if not (early or late) and allow_host_segments:
            early, late = share_up < share_down, share_down <= share_up
        if early and (
            not late or share_up < share_down or (share_up == share_down and len(upstream) < len(downstream))
        ):
            before |= upstream
        elif late:
            after |= downstream
        else:
            middle.append(node)
    return before, after, [node for node in middle if node not in before and node not in after]


def _extend(graph: ir.Graph, before: set[ir.Node], after: set[ir.Node]) -> None:
    """Leave pure data movement next to the host with the host: it saves boundary tensors and keeps their scales apart."""
    for node in graph:
        sources = data_inputs(node)
        if node.op_type == "Concat" and node not in before and sources:
            producers = [value.producer() for value in sources]
            if all(producer is not None and producer in before for producer in producers):
                before.add(node)
    for node in reversed(list(graph)):
        users = [user for output in node.outputs for user in output.consumers()]
        exposed = any(output.is_graph_output() for output in node.outputs)
        if node.op_type in _MOVEMENT and not exposed and users and all(user in after for user in users):
            after.add(node)


def _check_borders(graph: ir.Graph, name: str, before: set[ir.Node], after: set[ir.Node]) -> None:
    """Refuse values that would have to go round the chip: the host's second part only gets what the chip returns."""
    for node in after:
        for value in node.inputs:
            producer = None if value is None else value.producer()
            if value is not None and not is_constant(value) and (producer is None or producer in before):
                raise ModelError(
                    f"model {name!r}: node {node_label(node)!r} runs on the host after the chip and reads {value.name!r}, "
                    "which the chip does not return; feed it through the network or drop the node"
                )
    for value in graph.outputs:
        producer = value.producer()
        if producer is None or producer in before:
            raise ModelError(
                f"model {name!r}: output {value.name!r} does not depend on anything the chip computes; remove it"
            )


def _entering(graph: ir.Graph, nodes: Sequence[ir.Node]) -> tuple[ir.Value, ...]:
    """What the chip reads: the network's own inputs in the network's order, then the rest in the order of reading."""
    inside = set(nodes)
    read = dict.fromkeys(
        value
        for node in nodes
        for value in node.inputs
        if value is not None and not is_constant(value) and value.producer() not in inside
    )
    own = [value for value in graph.inputs if value in read]
    return tuple(dict.fromkeys([*own, *read]))


def _leaving(graph: ir.Graph, nodes: Sequence[ir.Node]) -> tuple[ir.Value, ...]:
    """What the chip returns, in the order in which following the network's outputs upwards, depth first, meets it.

    This is the order of the vendor's compiler: a detector returns the maps of all boxes before those of all classes,
    and clients count on it.
    """
    inside = set(nodes)
    found: dict[ir.Value, None] = {}
    seen: set[ir.Value] = set()
    stack = list(reversed(graph.outputs))
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        producer = value.producer()
        if producer in inside:
            found[value] = None
        elif producer is not None:
            stack.extend(source for source in reversed(producer.inputs) if source is not None)
    return tuple(found)
