"""Which values of a network are scores, as its outputs tell them."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from axelera.compiler.frontend._ir import data_inputs, is_standard

_MOVES = frozenset({
    "Concat", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip


def score_maps(graph: ir.Graph) -> list[ir.Value]:
    """Return the values whose sigmoids are outputs of the network, in the order of the network's own operators.

    Operators that move values stand between neither: a detector's one output of boxes and classes has a map of scores
    for each stride. The gates of squeeze-and-excitation and of SiLU are no scores.
    """
    found: set[ir.Value] = set()
    for moved in _behind(list(graph.outputs)):
        node = moved.producer()
        if node is not None and node.op_type == "Sigmoid" and is_standard(node):
            found.update(_behind(list(data_inputs(node))))
    return [value for node in graph for value in node.outputs if value in found]


def _behind(values: list[ir.Value]) -> Iterator[ir.Value]:
    """Yield what these values are made of, by operators that compute something."""
    seen: set[ir.Value] = set()
    while values:
        value = values.pop()
        if value in seen:
            continue
        seen.add(value)
        node = value.producer()
        if node is not None and node.op_type in _MOVES and is_standard(node):
            values.extend(data_inputs(node))
        else:
            yield value
