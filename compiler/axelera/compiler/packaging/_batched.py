"""Host graphs of a model that takes several frames at once: the network's own graph for one frame, for each of them."""

from __future__ import annotations

import onnx
from onnx import helper

__all__ = ["batched"]

_INSIDE, _FRAME, _BATCH = "__one", "__frame", "batch"


def batched(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph for any number of frames, in a Scan over the first axis; the names of its ports stay.

    Where a port has no batch axis of one, or a node holds a graph of its own, the model is returned as it is.
    """
    graph = model.graph
    ports = [*graph.input, *graph.output]
    nested = any(
        attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute
    )
    if nested or not all(_has_batch_axis(port) for port in ports):
        return model
    inner = {port.name: f"{port.name}{_INSIDE}" for port in ports}
    axis = helper.make_tensor(f"axis{_INSIDE}", onnx.TensorProto.INT64, [1], [0])
    nodes = [
        helper.make_node("Unsqueeze", [f"{port.name}{_FRAME}", axis.name], [inner[port.name]])
        for port in graph.input
    ]
    for node in graph.node:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        copied.input[:] = [inner.get(name, name) for name in node.input]
        copied.output[:] = [inner.get(name, name) for name in node.output]
        nodes.append(copied)
    nodes += [
        helper.make_node("Squeeze", [inner[port.name], axis.name], [f"{port.name}{_FRAME}"])
        for port in graph.output
    ]
    body = helper.make_graph(
        nodes,
        f"{graph.name}_of_one_frame",
        [_port(port, f"{port.name}{_FRAME}", _sizes(port)[1:]) for port in graph.input],
        [_port(port, f"{port.name}{_FRAME}", _sizes(port)[1:]) for port in graph.output],
        [*graph.initializer, axis],
    )
    scan = helper.make_node(
        "Scan",
        [port.name for port in graph.input],
        [port.name for port in graph.output],
        name="frames",
        body=body,
        num_scan_inputs=len(graph.input),
    )
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.graph.CopyFrom(
        helper.make_graph(
            [scan],
            graph.name,
            [_port(port, port.name, [_BATCH, *_sizes(port)[1:]]) for port in graph.input],
            [_port(port, port.name, [_BATCH, *_sizes(port)[1:]]) for port in graph.output],
        )
    )
    return result


def _has_batch_axis(port: onnx.ValueInfoProto) -> bool:
    sizes = _sizes(port)
    return bool(sizes) and sizes[0] == 1


def _sizes(port: onnx.ValueInfoProto) -> list[int | str]:
    return [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or f"{port.name}_{index}"
        for index, dim in enumerate(port.type.tensor_type.shape.dim)
    ]


def _port(port: onnx.ValueInfoProto, name: str, sizes: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, port.type.tensor_type.elem_type, sizes)
