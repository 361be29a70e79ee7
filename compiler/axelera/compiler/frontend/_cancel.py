"""Cancelling a Split against the Concat it takes apart.

Detection heads join box and class maps per level, join the levels, and split boxes from classes again. The vendor's
compiler cancels the pair, so that a host graph it wrote joins the levels of boxes and of classes apart; only then does
following the graph from its outputs meet all box maps before the first class map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import numpy as np
import onnx_ir as ir

from axelera.compiler.frontend._ir import Shape, add_constant, attribute, known_shape, shape_of

Pieces = Callable[[], list[ir.Value]]
"""Writes the nodes behind the pieces of a value and returns these, one per part of the Split."""


def cancel_split_of_concat(node: ir.Node) -> bool:
    """Read the parts of a Split where a Concat took them from; Concat along other axes and Reshape may lie between.

    Nothing is done unless the whole Split goes away and no one else reads what was joined.
    """
    if node.op_type != "Split" or node.inputs[0] is None or not isinstance(node.graph, ir.Graph):
        return False
    if any(output.is_graph_output() for output in node.outputs):
        return False
    shapes = [shape_of(output) for output in node.outputs]
    if any(not shape for shape in shapes):
        return False
    axis = attribute(node, "axis", 0)
    sizes = [known_shape(output)[axis] for output in node.outputs]
    pieces = _Canceller(node, sizes).pieces(node.inputs[0], axis % len(known_shape(node.outputs[0])))
    if pieces is None:
        return False
    for output, value in zip(node.outputs, pieces(), strict=True):
        output.replace_all_uses_with(value)
    node.graph.remove(node, safe=True)
    return True


class _Canceller:
    """Looks upwards from a Split of `sizes`: first whether it cancels, then, in the returned functions, by what."""

    def __init__(self, split: ir.Node, sizes: Sequence[int]) -> None:
        self._split = split
        self._sizes = sizes

    def pieces(self, value: ir.Value, axis: int) -> Pieces | None:
        producer = value.producer()
        if producer is None or value.is_graph_output() or len(value.consumers()) != 1:
            return None
        if producer.op_type == "Concat":
            shape = shape_of(value)
            joined = None if shape is None else attribute(producer, "axis") % len(shape)
            return self._taken(producer, axis) if joined == axis else self._joined_apart(producer, axis)
        return self._reshaped(producer, axis) if producer.op_type == "Reshape" else None

    def _taken(self, concat: ir.Node, axis: int) -> Pieces | None:
        """The Concat that joined the parts: each part is one of its inputs, or several in a row."""
        inputs = [value for value in concat.inputs if value is not None]
        shapes = [shape_of(value) for value in inputs]
        if any(shape is None for shape in shapes):
            return None
        ends = list(accumulate(known_shape(value)[axis] for value in inputs))
        if not set(accumulate(self._sizes)) <= set(ends):
            return None
        bounds = [0, *(ends.index(end) + 1 for end in accumulate(self._sizes))]
        groups = [inputs[first:last] for first, last in pairwise(bounds)]
        return lambda: [
            group[0] if len(group) == 1 else self._concat(group, axis, f"{concat.outputs[0].name}_{part}")
            for part, group in enumerate(groups)
        ]

    def _joined_apart(self, concat: ir.Node, axis: int) -> Pieces | None:
        """A Concat along another axis: one for each part of the Split."""
        found = [self.pieces(value, axis) for value in concat.inputs if value is not None]
        ready = [pieces for pieces in found if pieces is not None]
        if len(ready) != len(found):
            return None
        joined = attribute(concat, "axis") % len(known_shape(concat.outputs[0]))

        def build() -> list[ir.Value]:
            rows = [pieces() for pieces in ready]
            return [
                self._concat([row[part] for row in rows], joined, f"{concat.outputs[0].name}_{part}")
                for part in range(len(self._sizes))
            ]

        return build

    def _reshaped(self, reshape: ir.Node, axis: int) -> Pieces | None:
        """A Reshape that leaves the axis and those before it alone: one for each part of the Split."""
        source, output = reshape.inputs[0], reshape.outputs[0]
        before, after = shape_of(source), shape_of(output)
        if source is None or before is None or after is None or before[: axis + 1] != after[: axis + 1]:
            return None
        pieces = self.pieces(source, axis)
        if pieces is None:
            return None
        return lambda: [
            self._reshape(value, (*after[:axis], size, *after[axis + 1 :]), f"{output.name}_{part}")
            for part, (value, size) in enumerate(zip(pieces(), self._sizes, strict=True))
        ]

    def _concat(self, values: Sequence[ir.Value], axis: int, name: str) -> ir.Value:
        shape = list(known_shape(values[0]))
        shape[axis] = sum(known_shape(value)[axis] for value in values)
        return self._insert(ir.Node("", "Concat", values, {"axis": ir.AttrInt64("axis", axis)}), shape, name)

    def _reshape(self, value: ir.Value, shape: Shape, name: str) -> ir.Value:
        graph = self._split.graph
        assert isinstance(graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
        extents = add_constant(graph, f"{name}_shape", np.array(shape, np.int64))
        return self._insert(ir.Node("", "Reshape", [value, extents]), shape, name)

    def _insert(self, node: ir.Node, shape: Sequence[int], name: str) -> ir.Value:
        graph = self._split.graph
        assert isinstance(graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
        graph.insert_before(self._split, node)
        output = node.outputs[0]
        output.name = node.name = name
        output.shape, output.type = ir.Shape(shape), self._split.inputs[0].type  # type: ignore[union-attr]
        return output
