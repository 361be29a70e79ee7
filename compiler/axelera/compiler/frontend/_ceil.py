"""Pools with ceil_mode, whose size ONNX's own inference gets wrong before opset 22.

A last window that would start in the padding at the end, or past it, does not exist: ONNX Runtime, the reference of ONNX
and PyTorch leave it out, and so does the inference of opset 22. The older one counts it.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnx.shape_inference

from axelera.compiler.frontend._tools import tool

CEIL_OPSET = 22
"""From here on inference leaves out windows that do not exist."""

_POOLS = frozenset({"MaxPool", "AveragePool"})


def pools_need_ceil_opset(proto: onnx.ModelProto) -> bool:
    """Tell whether an older opset could give a pool of this model one row or column more than there is.

    Args:
        proto: a model of an opset before `CEIL_OPSET`, with fixed input shapes.
    """
    pools = [node for node in proto.graph.node if node.op_type in _POOLS and _integer(node, "ceil_mode", 0)]
    if not pools:
        return False
    with tool():
        graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info)
    }
    return not all(_is_settled(node, shapes.get(node.input[0], [])) for node in pools if node.input)


def windows(extent: int, size: int, stride: int, begin: int, end: int) -> int:
    """Return how many windows a pool with ceil_mode has along one axis.

    Args:
        extent: rows of the map.
        size: rows from the first to the last tap of a window.
        stride: rows between windows.
        begin: padding before the map.
        end: padding after it.
    """
    count = -(-(extent + begin + end - size) // stride) + 1
    return count - 1 if (count - 1) * stride >= extent + begin else count


def _is_settled(node: onnx.NodeProto, shape: Sequence[int]) -> bool:
    """Tell whether both ways to count the windows of a pool agree."""
    kernel = _integers(node, "kernel_shape", ())
    rank = len(kernel)
    padding = next((entry.s for entry in node.attribute if entry.name == "auto_pad"), b"NOTSET")
    strides, dilations = (_integers(node, name, (1,) * rank) for name in ("strides", "dilations"))
    pads = _integers(node, "pads", (0,) * (2 * rank))
    lengths = {len(shape) - 2, rank, len(strides), len(dilations)}
    if padding != b"NOTSET" or lengths != {rank} or len(pads) != 2 * rank or min(shape, default=0) < 1:
        return False
    if min((*strides, *dilations, *kernel), default=1) < 1:
        return False
    for axis in range(rank):
        extent, stride, begin, end = shape[2 + axis], strides[axis], pads[axis], pads[rank + axis]
        size = (kernel[axis] - 1) * dilations[axis] + 1
        if windows(extent, size, stride, begin, end) != -(-(extent + begin + end - size) // stride) + 1:
            return False
    return True


def _integer(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((entry.i for entry in node.attribute if entry.name == name), default)


def _integers(node: onnx.NodeProto, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    return next((tuple(entry.ints) for entry in node.attribute if entry.name == name), default)
