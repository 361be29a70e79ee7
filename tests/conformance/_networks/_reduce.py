"""Making a failing network smaller while it fails alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import onnx
import onnx.printer
from onnx import numpy_helper
from tests.conformance._networks._bound import FloatNetwork, runs
from tests.conformance._networks._check import samples
from tests.conformance._networks._graph import Map, model_of


def reduced(model: onnx.ModelProto, fails: Callable[[onnx.ModelProto], bool]) -> onnx.ModelProto:
    """Return the smallest network found that still fails: outputs moved up, inputs moved down, nodes left out."""
    progress = True
    while progress:
        progress = False
        for candidate in sorted(_smaller(model), key=lambda found: len(found.graph.node)):
            if runs(candidate) and fails(candidate):
                model, progress = candidate, True
                break
    return model


def text_of(model: onnx.ModelProto) -> str:
    """Write a network as ONNX text, constants by their shape and, where small, their numbers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    lines = []
    for tensor in copy.graph.initializer:
        array = numpy_helper.to_array(tensor)
        shown = array.reshape(-1).tolist() if array.size <= 8 else "random"
        lines.append(f"  {tensor.name}: {array.dtype}{list(array.shape)} = {shown}")
    del copy.graph.initializer[:]
    return "\n".join([onnx.printer.to_text(copy), *lines])


def _smaller(model: onnx.ModelProto) -> Iterator[onnx.ModelProto]:
    graph, opset = model.graph, model.opset_import[0].version
    nodes, constants = list(graph.node), list(graph.initializer)
    outputs = [value.name for value in graph.output]
    shapes = FloatNetwork(model, samples(model, 1)).shapes
    inputs = [
        Map(value.name, tuple(extent.dim_value for extent in value.type.tensor_type.shape.dim))
        for value in graph.input
    ]
    inner = [name for node in nodes for name in node.output if name not in outputs]
    fewer = [[name for name in outputs if name != left_out] for left_out in outputs if len(outputs) > 1]
    for ends in [*fewer, *([name] for name in inner)]:
        yield model_of(nodes, constants, inputs, ends, opset, graph.name)
    for node in nodes:
        if node.output[0] not in outputs and shapes[node.output[0]][:1] == (1,):
            others = [other for other in nodes if other is not node]
            for rest, added in _without(node, others, shapes):
                yield model_of(rest, constants, [*inputs, *added], outputs, opset, graph.name)


def _without(
    node: onnx.NodeProto, others: list[onnx.NodeProto], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[list[onnx.NodeProto], list[Map]]]:
    """Yield the other nodes with an input in place of a node, or with what it read in place of what it made."""
    name = node.output[0]
    if len(node.output) == 1:
        yield others, [Map(name, shapes[name])]
    for source in node.input:
        if shapes.get(source) == shapes[name]:
            yield [_renamed(other, name, source) for other in others], []


def _renamed(node: onnx.NodeProto, old: str, new: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for index, name in enumerate(copy.input):
        if name == old:
            copy.input[index] = new
    return copy
