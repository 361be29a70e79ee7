"""Pools: MaxPool, AveragePool and their global forms."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering.operators._window import explicit_window


def _window(builder: Builder, node: ir.Node, source: str) -> dict[str, tuple[int, ...]]:
    """Return the attributes of a pool; ceil_mode becomes padding at the far side."""
    spatial = explicit_window(node)
    kernel = tuple(attribute(node, "kernel_shape"))
    pads = list(spatial["pads"])
    sizes, outputs = builder.shape(source)[:2], builder.output_shape(node)[:2]
    for axis in range(2):
        reach = (
            (outputs[axis] - 1) * spatial["strides"][axis]
            + (kernel[axis] - 1) * spatial["dilations"][axis]
            + 1
        )
        pads[2 + axis] = max(pads[2 + axis], reach - sizes[axis] - pads[axis])
    return {
        "kernel": kernel,
        "strides": spatial["strides"],
        "pads": tuple(pads),
        "dilations": spatial["dilations"],
    }


def lower_max(builder: Builder, node: ir.Node) -> None:
    """Lower MaxPool; padding never wins."""
    source = builder.spatial(node.inputs[0])
    attributes = _window(builder, node, source)
    output = builder.add(
        "max_pool", (source,), builder.output_shape(node), node, value=node.outputs[0], attributes=attributes
    )
    builder.result(node, output)


def lower_average(builder: Builder, node: ir.Node) -> None:
    """Lower AveragePool.

    What ceil_mode lets a window reach past the padded map never counts; padding does or does not. The chip's pool knows
    one kind of border only.
    """
    source = builder.spatial(node.inputs[0])
    window = _window(builder, node, source)
    pads = explicit_window(node)["pads"]
    overhangs = window["pads"] != pads
    if overhangs and any(pads):
        raise CannotLower("ceil_mode makes a window reach past the padded map; use sizes that divide evenly")
    dilations = window.pop("dilations")
    if dilations != (1, 1):
        raise CannotLower("dilated average pools do not exist on the chip")
    include = bool(attribute(node, "count_include_pad", 0)) and not overhangs
    output = builder.add(
        "avg_pool",
        (source,),
        builder.output_shape(node),
        node,
        value=node.outputs[0],
        attributes={**window, "count_include_pad": include},
    )
    builder.result(node, output)


def lower_global_average(builder: Builder, node: ir.Node) -> None:
    """Lower GlobalAveragePool: an average pool whose window is the map."""
    source = builder.spatial(node.inputs[0])
    height, width, channels = builder.shape(source)
    output = builder.add(
        "avg_pool",
        (source,),
        (1, 1, channels),
        node,
        value=node.outputs[0],
        attributes={
            "kernel": (height, width),
            "strides": (1, 1),
            "pads": (0, 0, 0, 0),
            "count_include_pad": False,
        },
    )
    builder.result(node, output)


def lower_global_max(builder: Builder, node: ir.Node) -> None:
    """Lower GlobalMaxPool: a max pool whose window is the map."""
    source = builder.spatial(node.inputs[0])
    height, width, channels = builder.shape(source)
    output = builder.add(
        "max_pool",
        (source,),
        (1, 1, channels),
        node,
        value=node.outputs[0],
        attributes={"kernel": (height, width), "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1)},
    )
    builder.result(node, output)
