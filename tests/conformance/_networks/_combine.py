"""Operators that join, part, move and stretch maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.conformance._networks._activations import activation
from tests.conformance._networks._graph import Graph, Map
from tests.conformance._networks._windows import global_pool, pointwise


def joined(graph: Graph, x: Map) -> Map:
    """Append a Concat of maps of one size, channels unaligned; of a map with itself, or along height or width."""
    axis = graph.pick(1, 1, 1, 1, 2, 3)
    alike = [
        other for other in graph.maps
        if len(other.shape) == 4 and all(other.shape[a] == x.shape[a] for a in (1, 2, 3) if a != axis)
    ]  # fmt: skip
    others = [graph.pick(*alike, x) for _ in range(graph.random.randrange(1, 3))]
    parts = [x, *others] if graph.chance(2) else [*others, x]
    shape = [*x.shape]
    shape[axis] = sum(part.shape[axis] for part in parts)
    shown = axis - 4 if graph.chance(6) else axis
    return graph.map("Concat", *(part.name for part in parts), shape=tuple(shape), axis=shown)


def arithmetic(graph: Graph, x: Map) -> Map:
    """Append an Add, Mul or Sub of two maps, of a map and a constant, or of maps that broadcast."""
    op = graph.pick("Add", "Mul", "Add", "Sub")
    alike = [other for other in graph.maps if other.shape == x.shape and other.name != x.name]
    if alike and op != "Sub" and graph.chance(2):
        return graph.map(op, *_shuffled(graph, x.name, graph.pick(*alike).name), shape=x.shape)
    if graph.chance(12):
        return graph.map(op, x.name, x.name, shape=x.shape)
    small = [
        other for other in graph.maps
        if len(other.shape) == 4 and other.shape != x.shape
        and all(a in (1, b) for a, b in zip(other.shape[1:], x.shape[1:], strict=True))
    ]  # fmt: skip
    if small and graph.chance(3):
        return graph.map(op, *_shuffled(graph, x.name, graph.pick(*small).name), shape=x.shape)
    shape = graph.pick((1, x.channels, 1, 1), (x.channels, 1, 1), (), (1,), (1, 1, 1, 1))
    shape = x.shape if graph.chance(25) else shape
    constant = graph.constant(graph.numbers.uniform(0.3, 1.7, shape).astype(np.float32))
    if op == "Mul" and graph.chance(4):
        return graph.map("Div", x.name, constant, shape=x.shape)
    return graph.map(op, *_shuffled(graph, x.name, constant), shape=x.shape)


def _shuffled(graph: Graph, a: str, b: str) -> tuple[str, str]:
    return (b, a) if graph.chance(3) else (a, b)


def squeeze_and_excite(graph: Graph, x: Map) -> Map:
    """Append a gate that each channel computes from the whole map."""
    gate = global_pool(graph, x)
    gate = activation(graph, pointwise(graph, gate, max(1, x.channels // 4)))
    gate = graph.map("Sigmoid", pointwise(graph, gate, x.channels).name, shape=(1, x.channels, 1, 1))
    return graph.map("Mul", *_shuffled(graph, x.name, gate.name), shape=x.shape)


def resized(graph: Graph, x: Map) -> Map | None:
    """Append a Resize by whole factors."""
    mode = graph.pick("nearest", "nearest", "linear")
    up = graph.pick(2, 2, 3, 1)
    factors = (up, up) if mode == "linear" or not graph.chance(3) else (up, graph.pick(1, 2, 3))
    plane = tuple(extent * factor for extent, factor in zip(x.plane, factors, strict=True))
    if max(plane) > 40:
        return None
    attributes: dict[str, Any] = {"mode": mode}
    transform = graph.pick("half_pixel", "pytorch_half_pixel", "asymmetric")
    if mode == "nearest":
        attributes["nearest_mode"] = (
            "floor" if transform == "asymmetric" else graph.pick("round_prefer_floor", "round_prefer_ceil")
        )
    elif transform == "asymmetric" and not graph.chance(10):
        transform = "half_pixel"
    attributes["coordinate_transformation_mode"] = transform
    shape = (1, x.channels, *plane)
    roi = graph.constant(np.zeros(0, np.float32))
    if graph.chance(2):
        nothing = graph.constant(np.zeros(0, np.float32))
        return graph.map("Resize", x.name, roi, nothing, graph.numbers_of(shape), shape=shape, **attributes)
    scales = graph.constant(np.array([1, 1, *factors], np.float32))
    return graph.map("Resize", x.name, roi, scales, shape=shape, **attributes)


def parts(graph: Graph, x: Map) -> list[Map]:
    """Append a Split and return its outputs."""
    axis = graph.pick(1, 1, 1, 2, 3)
    extent = x.shape[axis]
    if extent < 2:
        return []
    even = extent % 2 == 0 and graph.chance(2)
    first = extent // 2 if even else graph.random.randrange(1, extent)
    sizes = [first, extent - first]
    attributes: dict[str, Any] = {"axis": axis}
    inputs = [x.name]
    if graph.opset >= 18 and even:
        attributes["num_outputs"] = 2
    elif graph.opset >= 13:
        inputs.append(graph.numbers_of(sizes))
    else:
        attributes["split"] = sizes
    names = graph.add("Split", *inputs, outputs=2, **attributes)
    shapes = [tuple(size if a == axis else e for a, e in enumerate(x.shape)) for size in sizes]
    return [Map(name, shape) for name, shape in zip(names, shapes, strict=True)]


def sliced(graph: Graph, x: Map) -> Map | None:
    """Append a Slice along channels, or along height or width where the matrix allows it."""
    axis = graph.pick(2, 3) if (x.channels % 64 == 0 and graph.chance(2)) or graph.chance(20) else 1
    extent = x.shape[axis]
    start = graph.random.randrange(extent)
    stop = graph.random.randrange(start + 1, extent + 1)
    step = graph.pick(1, 1, 2, 3) if axis == 1 else 1
    count = len(range(start, stop, step))
    shape = tuple(count if a == axis else e for a, e in enumerate(x.shape))
    if graph.chance(4):
        start -= extent
    if stop == extent and graph.chance(2):
        stop = 2**31 - 1
    bounds = [graph.numbers_of([number]) for number in (start, stop, axis, step)]
    return graph.map("Slice", x.name, *(bounds if step > 1 else bounds[:3]), shape=shape)


def padded(graph: Graph, x: Map) -> Map:
    """Append a zero Pad of height and width, or of 64 channels."""
    amounts = [0, 0, *(graph.random.randrange(3) for _ in range(2)), 0, 0]
    amounts += [graph.random.randrange(3) for _ in range(2)]
    if graph.chance(8):
        amounts[graph.pick(1, 5)] = 64
    shape = tuple(e + amounts[a] + amounts[a + 4] for a, e in enumerate(x.shape))
    return graph.map("Pad", x.name, graph.numbers_of(amounts), shape=shape)


def diamond(graph: Graph, x: Map) -> Map:
    """Append branches that meet again in an Add, a Mul or a Concat."""
    branches = []
    for _ in range(2):
        branch = x
        for _ in range(graph.random.randrange(3)):
            branch = activation(graph, branch) if graph.chance(2) else pointwise(graph, branch, x.channels)
        branches.append(branch)
    if graph.chance(4):
        names = [branch.name for branch in branches]
        return graph.map("Concat", *names, shape=(1, 2 * x.channels, *x.plane), axis=1)
    op = "Mul" if branches[0].name != branches[1].name and graph.chance(4) else "Add"
    return graph.map(op, branches[0].name, branches[1].name, shape=x.shape)
