"""Convolutions and pools in all their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.conformance._networks._graph import Graph, Map, Shape


def _size(extent: int, kernel: int, stride: int, pads: int, dilation: int = 1, *, up: bool = False) -> int:
    room = extent + pads - dilation * (kernel - 1) - 1
    return (-(-room // stride) if up else room // stride) + 1


def _pads(graph: Graph, kernel: Shape, x: Map) -> list[int]:
    """Return pads: mostly those that keep the size, or none, or unlike ones."""
    kind = graph.random.randrange(4)
    if kind == 0:
        return [0, 0, 0, 0]
    if kind < 3:
        half = [extent // 2 for extent in kernel]
        return [*half, *half]
    return [graph.random.randrange(max(extent, 1)) for extent in (*kernel, *kernel)]


def convolution(graph: Graph, x: Map, outputs: int | None = None) -> Map | None:
    """Append a plain, grouped or depthwise convolution, dilated, strided, padded; None where none fits."""
    kind = graph.pick("plain", "plain", "plain", "depthwise", "grouped")
    divisors = [d for d in (2, 3, 4, 5, 8) if x.channels % d == 0 and x.channels > d]
    group = 1
    if kind == "depthwise" and outputs in (None, x.channels):
        group = x.channels
    elif kind == "grouped" and divisors and (outputs is None or outputs % divisors[0] == 0):
        group = divisors[0] if outputs is not None else graph.pick(*divisors)
    square = group > 1 and not graph.chance(20)
    kernel = _pair(graph, (3, 1, 2, 5, 4), square=square or not graph.chance(4))
    strides = _pair(graph, (1, 1, 1, 2, 3), square=square or not graph.chance(8))
    dilations = _pair(graph, (1, 1, 1, 1, 2, 3), square=square or not graph.chance(8))
    if outputs is None:
        each = graph.random.randrange(1, 3) if group == x.channels else None
        outputs = group * (each or max(1, graph.pick(8, 3, 5, 16, 17, 24, 40, 64) // group))
    if any((k - 1) * d + 1 > extent + 2 for k, d, extent in zip(kernel, dilations, x.plane, strict=True)):
        kernel, dilations = (1, 1), (1, 1)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    if graph.chance(12) and dilations == (1, 1):
        attributes["auto_pad"] = graph.pick("SAME_UPPER", "SAME_LOWER", "VALID")
        if attributes["auto_pad"] == "VALID":
            plane = tuple(_size(e, k, s, 0) for e, k, s in zip(x.plane, kernel, strides, strict=True))
        else:
            plane = tuple(-(-extent // stride) for extent, stride in zip(x.plane, strides, strict=True))
    else:
        reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
        pads = attributes["pads"] = _pads(graph, reach, x)
        plane = tuple(
            _size(x.plane[a], kernel[a], strides[a], pads[a] + pads[a + 2], dilations[a]) for a in (0, 1)
        )
    if min(plane) < 1:
        return None
    inner = x.channels // group
    weight = graph.weight((outputs, inner, *kernel), inner * kernel[0] * kernel[1])
    constants = (weight,) if graph.chance(4) else (weight, graph.bias(outputs))
    return graph.map(
        "Conv", x.name, *constants, shape=(1, outputs, *plane), **attributes, **({"group": group} if group > 1 else {})
    )  # fmt: skip


def _pair(graph: Graph, options: tuple[int, ...], *, square: bool) -> tuple[int, int]:
    first = graph.pick(*options)
    return (first, first) if square else (first, graph.pick(*options))


def pointwise(graph: Graph, x: Map, outputs: int) -> Map:
    """Append a 1x1 convolution."""
    weight = graph.weight((outputs, x.channels, 1, 1), x.channels)
    return graph.map("Conv", x.name, weight, graph.bias(outputs), shape=(1, outputs, *x.plane))


def transposed(graph: Graph, x: Map) -> Map | None:
    """Append a transposed convolution."""
    kernel = _pair(graph, (2, 3, 4, 1), square=not graph.chance(4))
    strides = _pair(graph, (2, 1, 3), square=not graph.chance(4))
    dilations = _pair(graph, (1, 1, 1, 2), square=True)
    extra = tuple(graph.random.randrange(s) if graph.chance(3) else 0 for s in strides)
    ends = [graph.random.randrange(min(k, 3)) for k in kernel]
    pads = [*ends, *ends]
    if graph.chance(15):
        pads = [ends[0], ends[1], 0, 0]
    plane = tuple(
        (x.plane[a] - 1) * strides[a] + (kernel[a] - 1) * dilations[a] + 1 + extra[a] - pads[a] - pads[a + 2]
        for a in (0, 1)
    )
    if min(plane) < 1 or max(plane) > 40:
        return None
    group = 2 if graph.chance(20) and x.channels % 2 == 0 else 1
    outputs = graph.pick(8, 3, 5, 16, 17, 24)
    weight = graph.weight((x.channels, outputs, *kernel), x.channels * kernel[0] * kernel[1] // strides[0])
    constants = (weight,) if graph.chance(4) else (weight, graph.bias(outputs * group))
    return graph.map(
        "ConvTranspose", x.name, *constants, shape=(1, outputs * group, *plane), kernel_shape=kernel,
        strides=strides, dilations=dilations, pads=pads, group=group, output_padding=extra,
    )  # fmt: skip


def pool(graph: Graph, x: Map) -> Map | None:
    """Append a maximum or average pool; with ceil_mode its shape is what ONNX Runtime says."""
    op = graph.pick("MaxPool", "AveragePool")
    kernel = _pair(graph, (2, 3, 1, 4, 5), square=not graph.chance(4))
    strides = _pair(graph, (2, 1, 3), square=not graph.chance(4))
    dilations = (1, 1)
    if (op == "MaxPool" and graph.chance(6)) or (graph.opset >= 19 and graph.chance(15)):
        dilations = _pair(graph, (2, 1, 3), square=False)
    half = [graph.random.randrange(k // 2 + 1) if graph.chance(2) else 0 for k in kernel]
    pads = [*half, *half]
    if (op == "MaxPool" and graph.chance(3)) or graph.chance(25):
        pads = [graph.random.randrange(k) for k in (*kernel, *kernel)]
    up = graph.chance(3)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    if up:
        attributes["ceil_mode"] = 1
    if dilations != (1, 1):
        attributes["dilations"] = dilations
    if op == "AveragePool" and ((any(pads) and not graph.chance(8)) or graph.chance(4)):
        attributes["count_include_pad"] = 1
    plane = []
    for a in (0, 1):
        extent = _size(x.plane[a], kernel[a], strides[a], pads[a] + pads[a + 2], dilations[a], up=up)
        if up and (extent - 1) * strides[a] >= x.plane[a] + pads[a]:
            extent -= 1  # a window may not start in the padding behind the map
        plane.append(extent)
    if min(plane) < 1 or any((k - 1) * d + 1 > e for k, d, e in zip(kernel, dilations, x.plane, strict=True)):
        return None
    return graph.map(op, x.name, shape=(1, x.channels, *plane), **attributes)


def global_pool(graph: Graph, x: Map) -> Map:
    """Append a global pool, as an operator or as a reduction."""
    kind = graph.pick("Average", "Max", "Mean")
    if kind != "Mean":
        return graph.map(f"Global{kind}Pool", x.name, shape=(1, x.channels, 1, 1))
    if graph.opset >= 18:
        return graph.map("ReduceMean", x.name, graph.numbers_of([2, 3]), shape=(1, x.channels, 1, 1))
    return graph.map("ReduceMean", x.name, shape=(1, x.channels, 1, 1), axes=[2, 3], keepdims=1)


def batch_norm(graph: Graph, x: Map) -> Map:
    """Append a batch normalisation."""
    numbers = graph.numbers
    parts = [
        numbers.uniform(0.5, 1.5, x.channels),
        numbers.standard_normal(x.channels) * 0.2,
        numbers.standard_normal(x.channels) * 0.2,
        numbers.uniform(0.5, 1.5, x.channels),
    ]
    names = [graph.constant(part.astype(np.float32)) for part in parts]
    return graph.map("BatchNormalization", x.name, *names, shape=x.shape)
