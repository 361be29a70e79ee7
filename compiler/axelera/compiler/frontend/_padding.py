"""Padding of convolutions and pools: written out, and taken over from a Pad before."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend._ir import (
    attribute,
    constant_of,
    integers,
    known_shape,
    optional_input,
    shape_of,
    spatial_attributes,
)


def explicit_padding(node: ir.Node) -> bool:
    """Replace auto_pad by the pads it stands for, now that shapes are fixed.

    Not where ONNX Runtime and the ONNX standard disagree: SAME in a dilated pool, or in an average of windows with gaps.
    """
    mode = attribute(node, "auto_pad", "NOTSET")
    if node.op_type not in ("Conv", "MaxPool", "AveragePool") or mode == "NOTSET":
        return False
    shape = shape_of(node.inputs[0])
    kernel = attribute(node, "kernel_shape") or (
        known_shape(node.inputs[1])[2:] if node.op_type == "Conv" else None
    )
    if shape is None or kernel is None or len(shape) != 2 + len(kernel):
        return False
    spatial = spatial_attributes(node, len(kernel))
    if mode != "VALID" and node.op_type != "Conv" and max(spatial["dilations"]) > 1:
        return False
    before, after = [], []
    for extent, size, stride, dilation in zip(
        shape[2:], kernel, spatial["strides"], spatial["dilations"], strict=True
    ):
        total = (-(-extent // stride) - 1) * stride + (size - 1) * dilation + 1 - extent
        if total < 0 and mode != "VALID" and node.op_type == "AveragePool":
            return False
        total = max(total, 0)
        small, large = total // 2, total - total // 2
        before.append(0 if mode == "VALID" else (large if mode == "SAME_LOWER" else small))
        after.append(0 if mode == "VALID" else (small if mode == "SAME_LOWER" else large))
    node.attributes.pop("auto_pad")
    node.attributes["pads"] = ir.AttrInt64s("pads", [*before, *after])
    return True


def merge_pad(node: ir.Node) -> bool:
    """Fold a zero Pad of height and width into the convolution that reads it."""
    if node.op_type != "Conv" or attribute(node, "auto_pad", "NOTSET") != "NOTSET":
        return False
    pad = node.inputs[0].producer() if node.inputs[0] is not None else None
    if pad is None or pad.op_type != "Pad" or attribute(pad, "mode", "constant") != "constant":
        return False
    amounts, axes = integers(optional_input(pad, 1)), optional_input(pad, 3)
    filling = optional_input(pad, 2)
    value = constant_of(filling)
    if amounts is None or len(amounts) != 8 or axes is not None or (filling is not None and value is None):
        return False
    if (value is not None and float(value.reshape(-1)[0]) != 0.0) or any(amounts[i] for i in (0, 1, 4, 5)):
        return False
    if min(amounts) < 0:
        return False
    pads = spatial_attributes(node)["pads"]
    extra = (*amounts[2:4], *amounts[6:8])
    node.attributes["pads"] = ir.AttrInt64s("pads", [a + b for a, b in zip(pads, extra, strict=True)])
    node.replace_input_with(0, pad.inputs[0])
    return True
