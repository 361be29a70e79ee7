"""Steps of the clean-up that look at a whole graph at once; most are tools of onnx_ir and onnxscript."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common as common_passes
from onnxscript import optimizer

from axelera.compiler.frontend._ir import add_constant, attribute, bypass, integers, is_standard, shape_of
from axelera.compiler.frontend._tools import CannotUnderstand, tool

LARGEST_VALUE = 1 << 28
"""Elements of one value, at most."""
_FOLD_INPUT_ELEMENTS = 1 << 16
_FOLD_OUTPUT_ELEMENTS = 1 << 22
_CHEAP = frozenset({
    "Add", "BatchNormalization", "Cast", "Div", "Flatten", "Identity", "InstanceNormalization", "Mul", "Neg", "Reciprocal",
    "ReduceL2", "ReduceMean", "ReduceSum", "Reshape", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Operators that take a moment even on the largest weights."""
_GROWING = frozenset({"Expand", "OneHot", "Pad", "Range", "Resize", "Tile", "Upsample"})
"""Operators whose results may be of any size, however small what they read is."""


def inline_functions(model: ir.Model) -> None:
    """Put the nodes of local functions where they are called."""
    with tool():
        common_passes.InlinePass()(model)


def fold_constants(model: ir.Model) -> None:
    """Fold, and nothing more: common subexpressions stay apart, since placeholder weights would make branches one."""
    mistakes: list[Exception] = []

    def foldable(node: ir.Node) -> bool | None:
        try:
            return _foldable(node)
        except Exception as error:
            mistakes.append(error)
            raise

    try:
        with tool():
            optimizer.fold_constants_ir(
                model,
                onnx_shape_inference=True,
                input_size_limit=_FOLD_INPUT_ELEMENTS,
                output_size_limit=_FOLD_OUTPUT_ELEMENTS,
                should_fold=foldable,
            )
    except CannotUnderstand:
        if mistakes:  # ours, that came through their code
            raise mistakes[0] from None
        raise


def remove_unused(model: ir.Model) -> None:
    """Drop nodes and constants that nothing reads."""
    with tool():
        common_passes.RemoveUnusedNodesPass()(model)


def sort_nodes(model: ir.Model) -> None:
    """Put every node behind those it reads."""
    with tool():
        common_passes.TopologicalSortPass()(model)


def _foldable(node: ir.Node) -> bool | None:
    """Say yes to what the folder would leave alone; its own rules decide where this returns None.

    Exporters compute the pads of a Pad from a small ConstantOfShape, and networks with standardised weights compute
    these from large constants.
    """
    if node.op_type == "ConstantOfShape":
        extents = integers(node.inputs[0])
        return extents is not None and math.prod(extents) <= _FOLD_INPUT_ELEMENTS
    shapes = [shape_of(output) for output in node.outputs]  # inferred just before; memory is taken just after
    if None in shapes and node.op_type in _GROWING:
        return False
    if any(math.prod(shape) > _FOLD_OUTPUT_ELEMENTS for shape in shapes if shape is not None):
        return False
    if node.op_type in _CHEAP and all(
        value is None or math.prod(shape_of(value) or (0,)) <= _FOLD_OUTPUT_ELEMENTS for value in node.inputs
    ):
        return True
    return None


def infer_shapes(model: ir.Model) -> None:
    """Fill in the shapes of all values that ONNX shape inference can know."""
    with tool():
        common_passes.ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)


def lift_constants(model: ir.Model) -> None:
    """Turn Constant nodes into initializers."""
    with tool():
        common_passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)


def expand_constant_of_shape(model: ir.Model) -> None:
    """Turn ConstantOfShape into a constant that takes no memory (a broadcast view), whatever its size."""
    graph = model.graph
    for node in list(graph):
        if (
            node.op_type != "ConstantOfShape"
            or not is_standard(node)
            or (extents := integers(node.inputs[0])) is None
        ):
            continue
        if min(extents, default=0) < 0 or math.prod(extents) > LARGEST_VALUE:
            raise CannotUnderstand(
                f"ConstantOfShape {node.name!r} of {extents}; at most {LARGEST_VALUE} elements are possible"
            )
        filling = attribute(node, "value")
        scalar = np.zeros(1, np.float32) if filling is None else filling.numpy().reshape(-1)
        if scalar.size != 1:
            raise CannotUnderstand(
                f"ConstantOfShape {node.name!r} is filled with {scalar.size} values, expected one"
            )
        view = np.broadcast_to(scalar, extents)
        constant = add_constant(graph, node.outputs[0].name or "constant", view)
        if not node.outputs[0].is_graph_output():
            bypass(node, constant)


def name_nodes(model: ir.Model) -> None:
    """Give every node a name."""
    graph = model.graph
    taken = {node.name for node in graph if node.name}
    for number, node in enumerate(graph):
        if not node.name:
            name = f"{node.op_type}_{number}"
            while name in taken:
                name += "_"
            node.name = name
            taken.add(name)


def everywhere(rewrite: Callable[[ir.Node], bool]) -> Callable[[ir.Model], bool]:
    """Return a step that offers every operator of ONNX to `rewrite`, in order, and says whether it changed any."""

    def step(model: ir.Model) -> bool:
        nodes = [node for node in model.graph if is_standard(node)]
        changed = [rewrite(node) for node in nodes if node.graph is not None]
        return any(changed)

    step.__name__ = rewrite.__name__
    step.__doc__ = rewrite.__doc__
    return step
