"""Reshape, Flatten, Squeeze, Unsqueeze: renaming of dimensions, and the way into and out of attention heads."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import known_shape
from axelera.compiler.lowering._builder import Builder, Flattened, Heads, Spatial, spatial_shape
from axelera.compiler.lowering._cannot_lower import CannotLower


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower an operator that keeps the values and changes the shape."""
    value, output = node.inputs[0], node.outputs[0]
    view = builder.views.get(value) if value is not None else None
    shape = known_shape(output)
    if isinstance(view, Heads):
        builder.result(node, _join(builder, node, view, shape))
        return
    if isinstance(view, Flattened) and len(shape) == 4:
        if spatial_shape(shape) == builder.shape(view.tensor):
            builder.result(node, view.tensor)
            return
        raise CannotLower(f"a flattened map cannot be given the shape {shape}")
    tensor = view.tensor if isinstance(view, Flattened) else builder.spatial(value)
    height, width, channels = builder.shape(tensor)
    if len(shape) == 2 and shape[0] == 1:
        builder.views[output] = Spatial(tensor) if height * width == 1 else Flattened(tensor)
    elif len(shape) in (3, 4) and spatial_shape(shape) == (height, width, channels):
        builder.result(node, tensor)
    elif len(shape) == 4 and shape[3] == height * width and shape[1] * shape[2] == channels:
        builder.views[output] = _heads(builder, node, tensor, shape[1])
    else:
        raise CannotLower(f"a map of {height}x{width}x{channels} cannot be given the shape {shape}")


def _heads(builder: Builder, node: ir.Node, tensor: str, count: int) -> Heads:
    height, width, channels = builder.shape(tensor)
    depth = channels // count
    if count == 1:
        return Heads((tensor,))
    return Heads(
        tuple(
            builder.add(
                "slice",
                (tensor,),
                (height, width, depth),
                node,
                suffix=f"/head{index}",
                attributes={
                    "starts": (0, 0, index * depth),
                    "sizes": (height, width, depth),
                    "steps": (1, 1, 1),
                },
            )
            for index in range(count)
        )
    )


def _join(builder: Builder, node: ir.Node, view: Heads, shape: tuple[int, ...]) -> str:
    height, width, depth = builder.shape(view.tensors[0])
    if (
        view.transposed
        or len(shape) != 4
        or spatial_shape(shape) != (height, width, depth * len(view.tensors))
    ):
        raise CannotLower(f"attention heads cannot be given the shape {shape}")
    if len(view.tensors) == 1:
        return view.tensors[0]
    return builder.add(
        "concat", view.tensors, spatial_shape(shape), node, value=node.outputs[0], attributes={"axis": 2}
    )
