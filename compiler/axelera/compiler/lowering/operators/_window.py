"""What convolutions and pools say about their windows."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute, known_shape, spatial_attributes
from axelera.compiler.lowering._cannot_lower import CannotLower


def explicit_window(node: ir.Node) -> dict[str, tuple[int, ...]]:
    """Return strides, dilations and pads of a node.

    Raises:
        CannotLower: it leaves its padding to be worked out, or looks at something else than height and width.
    """
    if len(known_shape(node.inputs[0])) != 4:
        raise CannotLower("only windows over height and width exist on the chip")
    if attribute(node, "auto_pad", "NOTSET") != "NOTSET" or attribute(node, "output_shape"):
        raise CannotLower("the padding is not written out")
    return spatial_attributes(node)
