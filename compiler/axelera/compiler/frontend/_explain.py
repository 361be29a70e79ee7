"""Why a graph cannot be compiled, in words that name the node at fault."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import onnx
import onnx_ir as ir

from axelera.compiler._errors import ModelError
from axelera.compiler._violation import Violation
from axelera.compiler.frontend._ir import constant_of, node_label, shape_of
from axelera.compiler.frontend._steps import LARGEST_VALUE
from axelera.compiler.frontend._tensors import check_weights

_LONGEST = 300


def unknown_shape(model: ir.Model, value: ir.Value) -> str:
    """Return why the shape of `value`, an input or output of the graph, is not known."""
    if not model.graph.inputs or value in model.graph.inputs:
        return f"input {value.name!r} has no fixed shape; export with fixed shapes"
    culprit = next((node for node in model.graph if _first_unknown(node)), None)
    if culprit is None:
        return f"the shape of {value.name!r} cannot be worked out; export with fixed shapes"
    label = f"node {node_label(culprit)!r}"
    if culprit.domain not in ("", "ai.onnx"):
        return (
            f"{label} is {culprit.domain}.{culprit.op_type}, an operator that is not part of ONNX; replace it by "
            "standard operators, or cut the network off before it"
        )
    reason = _inference_error(model)
    because = f": {reason}" if reason else "; export with fixed shapes"
    return f"{label}, {culprit.op_type}: the shape of its output cannot be worked out{because}"


def _first_unknown(node: ir.Node) -> bool:
    known = all(value is None or shape_of(value) is not None or not value.name for value in node.inputs)
    return known and any(shape_of(output) is None for output in node.outputs if output.name)


def _inference_error(model: ir.Model) -> str:
    try:
        onnx.shape_inference.infer_shapes(ir.to_proto(model), check_type=True, strict_mode=True)
    except Exception as error:  # noqa: BLE001  the checker raises several unrelated classes
        return " ".join(str(error).split())[:_LONGEST]
    return ""


def not_finite(nodes: Iterable[ir.Node]) -> list[Violation]:
    """Return one entry per node whose constants hold NaN or infinity, which no integer can stand for."""
    found = []
    for node in nodes:
        for value in node.inputs:
            array = constant_of(value)
            if value is None or array is None or not np.issubdtype(array.dtype, np.floating):
                continue
            count = int(array.size - np.isfinite(array).sum())
            if count:
                found.append(
                    Violation(
                        node_label(node),
                        node.op_type,
                        {"constant": value.name, "not_finite": count},
                        "constants finite",
                        f"{count} of {array.size} numbers are NaN or infinite: train or export the network again",
                    )
                )
    return found


def check_clean(model: ir.Model, name: str) -> None:
    """Refuse a cleaned graph whose weights do not fit, or whose shapes are unknown or out of bounds.

    Raises:
        ModelError: names model, node or value.
    """
    check_weights(model.graph, name)
    for value in (*model.graph.inputs, *(output for node in model.graph for output in node.outputs)):
        shape = shape_of(value)
        if shape is not None and (math.prod(shape) > LARGEST_VALUE or min(shape, default=1) < 0):
            raise ModelError(
                f"model {name!r}: value {value.name!r} has shape {shape}; at most {LARGEST_VALUE} elements are possible"
            )
    for value in (*model.graph.inputs, *model.graph.outputs):
        shape = shape_of(value)
        if shape is None:
            raise ModelError(f"model {name!r}: {unknown_shape(model, value)}")
        if 0 in shape:
            raise ModelError(
                f"model {name!r}: {value.name!r} has shape {shape} and holds nothing; give the network larger inputs"
            )
