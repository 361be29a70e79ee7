"""Small questions asked of an ONNX graph in its `onnx_ir` form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

Shape = tuple[int, ...]


def shape_of(value: ir.Value | None) -> Shape | None:
    """Return the static shape of `value`, or None when any dimension is unknown or the value is left out."""
    if value is None:
        return None
    if value.const_value is not None:
        return tuple(int(extent) for extent in value.const_value.shape.numpy())
    if value.shape is None or not value.shape.is_static():
        return None
    return tuple(int(extent) for extent in value.shape.numpy())


def known_shape(value: ir.Value | None) -> Shape:
    """Return the shape of a value whose shape was established before."""
    shape = shape_of(value)
    if shape is None:
        raise AssertionError(f"value {value and value.name!r} has no static shape after shape inference")
    return shape


def constant_of(value: ir.Value | None) -> npt.NDArray[Any] | None:
    """Return the constant array behind `value`, or None when it is computed or absent."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


def is_constant(value: ir.Value | None) -> bool:
    """Tell whether `value` is an initializer or a folded constant."""
    return value is not None and value.const_value is not None


def is_standard(node: ir.Node) -> bool:
    """Tell whether `node` is an operator of ONNX itself, whose inputs the checker has counted."""
    return node.domain in ("", "ai.onnx")


def optional_input(node: ir.Node, index: int) -> ir.Value | None:
    """Return input `index` of `node`, or None when it is left out."""
    return node.inputs[index] if index < len(node.inputs) else None


def attribute(node: ir.Node, name: str, default: Any = None) -> Any:
    """Return the plain value of an attribute (lists become tuples), or `default`."""
    found = node.attributes.get(name)
    if found is None:
        return default
    value = found.value
    return tuple(value) if isinstance(value, (list, tuple)) else value


def integers(value: ir.Value | None) -> tuple[int, ...] | None:
    """Return the integers of a constant input such as axes or pads; None when absent, computed or no numbers."""
    array = constant_of(value)
    if array is None or array.dtype.kind not in "iubf" or not np.isfinite(array).all():
        return None
    return tuple(int(number) for number in np.asarray(array).reshape(-1))


def data_inputs(node: ir.Node) -> tuple[ir.Value, ...]:
    """Return the inputs of `node` that are computed while the network runs."""
    return tuple(value for value in node.inputs if value is not None and not is_constant(value))


def add_constant(graph: ir.Graph, name: str, array: npt.NDArray[Any]) -> ir.Value:
    """Register a new initializer under a free name derived from `name`."""
    free, number = name, 0
    while free in graph.initializers:
        number += 1
        free = f"{name}_{number}"
    value = ir.Value(
        name=free,
        shape=ir.Shape(array.shape),
        type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
        const_value=ir.Tensor(array, name=free),
    )
    graph.register_initializer(value)
    return value


def replace_node(old: ir.Node, new: ir.Node) -> None:
    """Put `new` where `old` stands; both have one output, whose name and shape are kept."""
    graph = old.graph
    assert isinstance(graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    before, after = old.outputs[0], new.outputs[0]
    after.shape, after.type = before.shape, before.type
    name = before.name
    graph.insert_before(old, new)
    for index, output in enumerate(graph.outputs):
        if output is before:
            graph.outputs[index] = after
    before.replace_all_uses_with(after)
    graph.remove(old, safe=True)
    after.name = name


def bypass(node: ir.Node, value: ir.Value) -> None:
    """Remove `node` and let its users read `value`, unless its output is a graph output fed by a graph input."""
    graph = node.graph
    assert isinstance(graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    output = node.outputs[0]
    if output.is_graph_output():
        producer = value.producer()
        if producer is None or value.is_graph_output():
            return
        for index, candidate in enumerate(graph.outputs):
            if candidate is output:
                graph.outputs[index] = value
        output.replace_all_uses_with(value)
        name = output.name
        graph.remove(node, safe=True)
        value.name = name
        return
    output.replace_all_uses_with(value)
    graph.remove(node, safe=True)


def node_label(node: ir.Node) -> str:
    """Name a node the way a person finds it in Netron."""
    return node.name or f"{node.op_type} -> {node.outputs[0].name}"


def ancestors(nodes: Iterable[ir.Node]) -> set[ir.Node]:
    """Return `nodes` and every node they depend on."""
    return _closure(nodes, lambda node: [v.producer() for v in node.inputs if v is not None])


def descendants(nodes: Iterable[ir.Node]) -> set[ir.Node]:
    """Return `nodes` and every node that depends on them."""
    return _closure(nodes, lambda node: [use for output in node.outputs for use in output.consumers()])


def _closure(nodes: Iterable[ir.Node], neighbours: Any) -> set[ir.Node]:
    found: set[ir.Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node is None or node in found:
            continue
        found.add(node)
        stack.extend(neighbours(node))
    return found


def spatial_attributes(node: ir.Node, rank: int = 2) -> dict[str, tuple[int, ...]]:
    """Return strides, dilations and pads of a convolution or pool with their defaults filled in."""
    return {
        "strides": tuple(attribute(node, "strides", (1,) * rank)),
        "dilations": tuple(attribute(node, "dilations", (1,) * rank)),
        "pads": tuple(attribute(node, "pads", (0,) * (2 * rank))),
    }


def extents(shape: Sequence[int]) -> str:
    """Write a shape the way people read it: 1x3x224x224."""
    return "x".join(str(extent) for extent in shape) or "scalar"
