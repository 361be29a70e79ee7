"""Walking the chip's part of the ONNX graph and building the network of chip operators."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler._errors import UnsupportedModelError
from axelera.compiler._violation import Violation
from axelera.compiler.frontend import Partition, known_shape, node_label
from axelera.compiler.lowering._builder import Builder, Flattened, Heads, Spatial, spatial_shape
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering._network import LoweredNetwork, Port
from axelera.compiler.lowering.operators import LOWERINGS
from axelera.compiler.lowering.operators.activation import lower_fusion


def lower(part: Partition, name: str) -> LoweredNetwork:
    """Lower the chip's part of a network; weights are carried along, scales are not decided.

    Raises:
        UnsupportedModelError: something passed the operator matrix that no chip operator can express; all are listed.
    """
    builder = Builder(part.fusions)
    for value in part.inputs:
        shown = str(value.name)
        tensor = builder.activation(shown, spatial_shape(known_shape(value)), shown, shown)
        builder.views[value] = Spatial(tensor)
    problems = _walk(builder, part)
    outputs = []
    for value in part.outputs:
        view = builder.views.get(value)
        if isinstance(view, Heads) or (
            isinstance(view, Flattened) and builder.shape(view.tensor)[:2] != (1, 1)
        ):
            problems.append(Violation(str(value.name), "output", {}, "a map", "end the network with a map"))
        elif view is not None:
            outputs.append(Port(str(value.name), view.tensor, known_shape(value), ()))
    if problems:
        raise UnsupportedModelError(name, problems)
    return LoweredNetwork(
        name,
        builder.activations,
        builder.operators,
        tuple(Port(str(v.name), builder.spatial(v), known_shape(v), ()) for v in part.inputs),
        tuple(outputs),
    )


def _walk(builder: Builder, part: Partition) -> list[Violation]:
    """Lower every node; go on after a problem, past the nodes that depend on it."""
    inner = {
        node
        for value, fusion in part.fusions.items()
        for node in fusion.nodes
        if node is not value.producer()
    }
    problems: list[Violation] = []
    poisoned: set[ir.Value] = set()
    for node in part.chip:
        if any(value in poisoned for value in node.inputs):
            poisoned.update(node.outputs)
            continue
        if node in inner:
            continue
        try:
            _lower_node(builder, part, node)
        except CannotLower as error:
            problems.append(Violation(node_label(node), node.op_type, {}, "can be lowered", str(error)))
            poisoned.update(node.outputs)
    return problems


def _lower_node(builder: Builder, part: Partition, node: ir.Node) -> None:
    fusion = part.fusions.get(node.outputs[0])
    if fusion is not None:
        lower_fusion(builder, node, fusion)
    elif node.op_type in LOWERINGS:
        LOWERINGS[node.op_type](builder, node)
    else:
        raise CannotLower("the operator does not exist on the chip")
