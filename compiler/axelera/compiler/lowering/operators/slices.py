"""Slice and Split: parts of a map, or of the channels of every attention head."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute, integers, known_shape, optional_input
from axelera.compiler.lowering._builder import Builder, Heads, Spatial, View
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.lowering._network import Shape

_AXES = {1: 2, 2: 0, 3: 1}  # NCHW axis to HWC axis


def lower_slice(builder: Builder, node: ir.Node) -> None:
    """Lower Slice with constant bounds."""
    shape = known_shape(node.inputs[0])
    rank = len(shape)
    starts, ends = integers(node.inputs[1]), integers(node.inputs[2])
    if starts is None or ends is None:
        raise CannotLower("the bounds of the slice are computed, not constant")
    axes = integers(optional_input(node, 3)) or tuple(range(len(starts)))
    steps = integers(optional_input(node, 4)) or (1,) * len(starts)
    begin, size, stride = [0] * rank, list(shape), [1] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        chosen = range(shape[axis])[slice(start, end, step)]
        if step < 1 or not len(chosen):
            raise CannotLower(f"slice {start}:{end}:{step} of axis {axis} is empty or runs backwards")
        begin[axis % rank], size[axis % rank], stride[axis % rank] = chosen.start, len(chosen), step
    output = _part(builder, node, node.outputs[0], tuple(begin), tuple(size), tuple(stride))
    builder.views[node.outputs[0]] = output


def lower_split(builder: Builder, node: ir.Node) -> None:
    """Lower Split: one slice per output."""
    shape = known_shape(node.inputs[0])
    axis = attribute(node, "axis", 0) % len(shape)
    position = 0
    for output in node.outputs:
        size = known_shape(output)
        begin = tuple(position if index == axis else 0 for index in range(len(shape)))
        builder.views[output] = _part(builder, node, output, begin, size, (1,) * len(shape))
        position += size[axis]


def _part(
    builder: Builder,
    node: ir.Node,
    value: ir.Value,
    begin: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
) -> View:
    source = builder.views.get(node.inputs[0]) if node.inputs[0] is not None else None
    if isinstance(source, Heads):
        channel = 3 if source.transposed else 2
        if any(begin[axis] or stride[axis] != 1 for axis in range(4) if axis != channel):
            raise CannotLower("inside an attention block only the features of the heads can be split")
        parts = []
        for index, tensor in enumerate(source.tensors):
            height, width, _ = builder.shape(tensor)
            parts.append(
                _slice(
                    builder,
                    node,
                    tensor,
                    (0, 0, begin[channel]),
                    (height, width, size[channel]),
                    (1, 1, 1),
                    suffix=f"/{value.name}/head{index}",
                )
            )
        return Heads(tuple(parts), source.transposed)
    tensor = builder.spatial(node.inputs[0])
    starts, sizes, steps = _hwc(begin), _hwc(size), _hwc(stride, filling=1)
    return Spatial(_slice(builder, node, tensor, starts, sizes, steps, value=value))


def _hwc(numbers: tuple[int, ...], filling: int | None = None) -> Shape:
    if len(numbers) == 4:
        return numbers[2], numbers[3], numbers[1]
    if len(numbers) == 2:
        ones = (1, 1) if filling is not None or numbers[0] == 1 else (0, 0)
        return (*ones, numbers[1])
    raise CannotLower(f"a rank-{len(numbers)} tensor cannot be sliced on the chip")


def _slice(
    builder: Builder,
    node: ir.Node,
    tensor: str,
    starts: Shape,
    sizes: Shape,
    steps: Shape,
    *,
    value: ir.Value | None = None,
    suffix: str = "",
) -> str:
    if starts == (0, 0, 0) and sizes == builder.shape(tensor):
        return tensor
    attributes = {"starts": starts, "sizes": sizes, "steps": steps}
    return builder.add("slice", (tensor,), sizes, node, value=value, suffix=suffix, attributes=attributes)
