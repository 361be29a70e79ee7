"""Concat: inputs whose scale can't be chosen freely are requantised to the common one first."""

from __future__ import annotations

import onnx_ir as ir

from axelera.compiler.frontend import attribute, known_shape
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower

_AXES = {1: 2, 2: 0, 3: 1}  # NCHW axis to HWC axis


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower Concat along channels, height or width."""
    rank = len(known_shape(node.outputs[0]))
    axis = attribute(node, "axis") % rank
    if rank == 2:
        axis = 1
    elif rank != 4 or axis not in _AXES:
        raise CannotLower(f"axis {axis} of a rank-{rank} tensor cannot be concatenated on the chip")
    tensors = tuple(builder.spatial(value) for value in node.inputs)
    output = builder.add(
        "concat",
        tensors,
        builder.output_shape(node),
        node,
        value=node.outputs[0],
        attributes={"axis": _AXES[axis]},
    )
    builder.result(node, output)
