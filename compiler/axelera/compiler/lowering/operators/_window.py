"""What convolutions and pools say about their windows."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute, spatial_attributes


def explicit_window(node: ir.Node) -> dict[str, tuple[int, ...]]:
    """Return strides, dilations and pads of a node.

    Raises:
        LookupError: it leaves its padding to be worked out.
    """
    if attribute(node, "auto_pad", "NOTSET") != "NOTSET" or attribute(node, "output_shape"):
        raise LookupError("the padding is not written out")
    return spatial_attributes(node)
