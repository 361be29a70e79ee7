"""Activations: a clamp of the operator before (ReLU, Clip) or a look-up table."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import Fusion, clip_bounds, node_function, node_label
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower
from axemu.model.ops import PointwiseFunction


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower an activation operator."""
    value = node.inputs[0]
    source = builder.spatial(value)
    function = node_function(node)
    if function is None:
        raise CannotLower("the parameters of the activation are computed, not constant")
    if node.op_type in ("Relu", "Clip") and value is not None:
        low, high = (0.0, None) if node.op_type == "Relu" else clip_bounds(node)
        producer = builder.sole_producer(source, value)
        if producer is not None:
            activation = builder.activations[source]
            bounds = [bound for bound in (activation.low, low) if bound is not None]
            activation.low = max(bounds, default=None)
            bounds = [bound for bound in (activation.high, high) if bound is not None]
            activation.high = min(bounds, default=None)
            activation.observe = activation.value = node.outputs[0].name
            producer.source += (node_label(node),)
            builder.result(node, source)
            return
    _table(builder, node, source, function)


def lower_fusion(builder: Builder, node: ir.Node, fusion: Fusion) -> None:
    """Lower a group of operators that together are one activation; `node` is the last of them."""
    _table(builder, node, builder.spatial(fusion.root), fusion.function)


def _table(builder: Builder, node: ir.Node, source: str, function: PointwiseFunction) -> None:
    output = builder.add(
        "lut",
        (source,),
        builder.shape(source),
        node,
        value=node.outputs[0],
        attributes={"function": function.name},
        function=function,
    )
    builder.result(node, output)
