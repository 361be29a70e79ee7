"""Clean-up of a float network before it is judged: same values, fewer and plainer operators.

Each rewrite is one small function from a node to "I changed something"; `simplify` runs them to a fixed point between
rounds of constant folding (onnxscript) and shape inference (onnx).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common as common_passes
from onnxscript import optimizer

from axelera.compiler._errors import ModelError
from axelera.compiler.frontend._affine import fold_affine_into_conv, fold_batch_norm
from axelera.compiler.frontend._cancel import cancel_split_of_concat
from axelera.compiler.frontend._dense import matmul_to_gemm, merge_gemm_bias
from axelera.compiler.frontend._explain import unknown_shape
from axelera.compiler.frontend._ir import (
    add_constant,
    attribute,
    bypass,
    constant_of,
    data_inputs,
    integers,
    is_constant,
    is_standard,
    optional_input,
    replace_node,
    shape_of,
    spatial_attributes,
)
from axelera.compiler.frontend._padding import explicit_padding, merge_pad
from axelera.compiler.frontend._tensors import check_weights
from axelera.compiler.frontend._tools import CannotUnderstand, tool

Rewrite = Callable[[ir.Node], bool]

_ROUNDS = 8
_LARGEST_VALUE = 1 << 28
_SHAPING = frozenset({"Reshape", "Expand", "Flatten", "Squeeze", "Unsqueeze"})
_FOLD_INPUT_ELEMENTS = 1 << 16
_FOLD_OUTPUT_ELEMENTS = 1 << 22
_CHEAP = frozenset({
    "Add", "BatchNormalization", "Cast", "Div", "Flatten", "Identity", "InstanceNormalization", "Mul", "Neg", "Reciprocal",
    "ReduceL2", "ReduceMean", "ReduceSum", "Reshape", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Operators that take a moment even on the largest weights."""
_GROWING = frozenset({"Expand", "OneHot", "Pad", "Range", "Resize", "Tile", "Upsample"})
"""Operators whose results may be of any size, however small what they read is."""


def clean_model(proto: onnx.ModelProto, name: str, *, keep_weights: bool = False) -> ir.Model:
    """Return the simplified form of a model, with the shape of everything the chip may run known.

    Raises:
        ModelError: the tools the clean-up is made of cannot digest the model, or shapes of outputs stay unknown.
    """
    try:
        with tool():
            model = ir.from_proto(proto)
        simplify(model, keep_weights=keep_weights)
    except CannotUnderstand as error:
        raise ModelError(f"model {name!r} cannot be understood: {error}") from error
    check_weights(model.graph, name)
    for value in (*model.graph.inputs, *(output for node in model.graph for output in node.outputs)):
        shape = shape_of(value)
        if shape is not None and (math.prod(shape) > _LARGEST_VALUE or min(shape, default=1) < 0):
            raise ModelError(
                f"model {name!r}: value {value.name!r} has shape {shape}; at most {_LARGEST_VALUE} elements are possible"
            )
    for value in (*model.graph.inputs, *model.graph.outputs):
        shape = shape_of(value)
        if shape is None:
            raise ModelError(f"model {name!r}: {unknown_shape(model, value)}")
        if 0 in shape:
            raise ModelError(
                f"model {name!r}: {value.name!r} has shape {shape} and holds nothing; give the network larger inputs"
            )
    return model


def simplify(model: ir.Model, *, keep_weights: bool = False) -> None:
    """Clean `model` up in place: fold constants, remove no-ops, fold batch norms, merge pads, infer shapes.

    With `keep_weights` nothing is folded into the weights of convolutions, which are then as they were.

    Raises:
        CannotUnderstand: the graph contradicts itself, or the tools of others cannot digest it.
    """
    rewrites = [rewrite for rewrite in _REWRITES if not keep_weights or rewrite is not fold_affine_into_conv]
    _expand_constant_of_shape(model.graph)
    _lift_constants(model)
    _inline_functions(model)
    _fold_constants(model)
    _remove_unused(model)
    for _ in range(_ROUNDS):
        _expand_constant_of_shape(model.graph)
        _lift_constants(model)
        infer_shapes(model)
        changed = [
            rewrite(node)
            for rewrite in rewrites
            for node in list(model.graph)
            if node.graph is not None and is_standard(node)
        ]
        _remove_unused(model)
        if not any(changed):
            break
    _sort(model)
    _name_everything(model.graph)
    infer_shapes(model)


def _inline_functions(model: ir.Model) -> None:
    with tool():
        common_passes.InlinePass()(model)


def _fold_constants(model: ir.Model) -> None:
    """Fold, and nothing more: common subexpressions stay apart, since placeholder weights would make branches one."""
    with tool():
        optimizer.fold_constants_ir(
            model,
            onnx_shape_inference=True,
            input_size_limit=_FOLD_INPUT_ELEMENTS,
            output_size_limit=_FOLD_OUTPUT_ELEMENTS,
            should_fold=_foldable,
        )


def _remove_unused(model: ir.Model) -> None:
    with tool():
        common_passes.RemoveUnusedNodesPass()(model)


def _sort(model: ir.Model) -> None:
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


def _lift_constants(model: ir.Model) -> None:
    with tool():
        common_passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)


def _expand_constant_of_shape(graph: ir.Graph) -> None:
    """Turn ConstantOfShape into a constant that takes no memory (a broadcast view), whatever its size."""
    for node in list(graph):
        if node.op_type != "ConstantOfShape" or (extents := integers(node.inputs[0])) is None:
            continue
        if min(extents, default=0) < 0 or math.prod(extents) > _LARGEST_VALUE:
            raise CannotUnderstand(
                f"ConstantOfShape {node.name!r} of {extents}; at most {_LARGEST_VALUE} elements are possible"
            )
        filling = attribute(node, "value")
        scalar = np.zeros(1, np.float32) if filling is None else filling.numpy().reshape(1)
        view = np.broadcast_to(scalar, extents)
        constant = add_constant(graph, node.outputs[0].name or "constant", view)
        if not node.outputs[0].is_graph_output():
            bypass(node, constant)


def _name_everything(graph: ir.Graph) -> None:
    taken = {node.name for node in graph if node.name}
    for number, node in enumerate(graph):
        if not node.name:
            name = f"{node.op_type}_{number}"
            while name in taken:
                name += "_"
            node.name = name
            taken.add(name)


def _remove_no_op(node: ir.Node) -> bool:
    """Remove operators that change nothing: Identity, Dropout, and shape, type and padding operators without effect."""
    source, output = node.inputs[0] if node.inputs else None, node.outputs[0]
    if source is None or is_constant(source) or not _changes_nothing(node):
        return False
    if output.is_graph_output() and (source.producer() is None or source.is_graph_output()):
        return False
    bypass(node, source)
    return True


def _changes_nothing(node: ir.Node) -> bool:
    kind, source = node.op_type, node.inputs[0]
    if kind in _SHAPING:
        return shape_of(node.outputs[0]) is not None and shape_of(source) == shape_of(node.outputs[0])
    if kind == "Dropout":
        return _drops_nothing(node)
    if kind == "Cast":
        return source is not None and source.dtype == node.outputs[0].dtype
    if kind == "Transpose":
        perm = attribute(node, "perm")
        return perm is not None and perm == tuple(range(len(perm)))
    if kind == "Pad":
        amounts = integers(optional_input(node, 1))
        return amounts is not None and not any(amounts)
    return kind == "Identity"


def _drops_nothing(node: ir.Node) -> bool:
    """Tell whether a Dropout is one for inference whose mask nobody asks for."""
    training = optional_input(node, 2)
    if training is not None and (constant_of(training) is None or np.any(constant_of(training))):
        return False
    return all(not output.uses() and not output.is_graph_output() for output in node.outputs[1:])


def _reduce_to_global_pool(node: ir.Node) -> bool:
    """ReduceMean/ReduceMax over height and width is a global pool (and a Flatten when the axes are dropped)."""
    kinds = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}
    if node.op_type not in kinds:
        return False
    shape = shape_of(node.inputs[0])
    axes = attribute(node, "axes") or integers(optional_input(node, 1))
    if shape is None or len(shape) != 4 or axes is None or {axis % 4 for axis in axes} != {2, 3}:
        return False
    pool = ir.Node("", kinds[node.op_type], [node.inputs[0]], name=node.name)
    if attribute(node, "keepdims", 1):
        replace_node(node, pool)
        return True
    assert isinstance(node.graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    node.graph.insert_before(node, pool)
    pool.outputs[0].name = f"{node.outputs[0].name}_pooled"
    pool.outputs[0].shape = ir.Shape((*shape[:2], 1, 1))
    pool.outputs[0].type = node.outputs[0].type
    replace_node(node, ir.Node("", "Flatten", [pool.outputs[0]], {"axis": ir.AttrInt64("axis", 1)}))
    return True


def _canonical_constant_order(node: ir.Node) -> bool:
    """Put the computed operand of Add and Mul first."""
    if node.op_type not in ("Add", "Mul") or len(data_inputs(node)) != 1 or not is_constant(node.inputs[0]):
        return False
    first, second = node.inputs
    node.replace_input_with(0, second)
    node.replace_input_with(1, first)
    return True


def _divide_to_multiply(node: ir.Node) -> bool:
    """Division by a constant is multiplication by its reciprocal; Sub of a constant is an Add."""
    if node.op_type not in ("Div", "Sub") or is_constant(node.inputs[0]):
        return False
    array = constant_of(node.inputs[1])
    if array is None or array.dtype != np.float32 or array.size > 1 << 16:
        return False
    if node.op_type == "Div" and not np.all(array):
        return False
    with np.errstate(over="ignore"):
        new = (1.0 / array.astype(np.float64)).astype(np.float32) if node.op_type == "Div" else -array
    assert isinstance(node.graph, ir.Graph)  # noqa: S101  nodes handled here are always in a graph
    constant = add_constant(node.graph, f"{node.outputs[0].name}_operand", new)
    kind = "Mul" if node.op_type == "Div" else "Add"
    replace_node(node, ir.Node("", kind, [node.inputs[0], constant], name=node.name))
    return True


def _sum_to_add(node: ir.Node) -> bool:
    """Sum of several maps is a chain of Adds."""
    if node.op_type != "Sum" or len(node.inputs) < 2 or not isinstance(node.graph, ir.Graph):
        return False
    total = node.inputs[0]
    for index, value in enumerate(node.inputs[1:-1]):
        add = ir.Node("", "Add", [total, value], name=f"{node.name or node.outputs[0].name}_{index}")
        node.graph.insert_before(node, add)
        add.outputs[0].name = f"{node.outputs[0].name}_{index}"
        add.outputs[0].type = node.outputs[0].type
        total = add.outputs[0]
    replace_node(node, ir.Node("", "Add", [total, node.inputs[-1]], name=node.name))
    return True


def _unused_region(node: ir.Node) -> bool:
    """Resize looks at its region of interest in one mode only; converters give it in all."""
    if node.op_type != "Resize" or optional_input(node, 1) is None:
        return False
    if attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        return False
    node.replace_input_with(1, None)
    return True


def _whole_plane_pool(node: ir.Node) -> bool:
    """GlobalAveragePool spelled as an AveragePool over the whole plane."""
    if node.op_type != "AveragePool" or any(spatial_attributes(node)["pads"]):
        return False
    shape = shape_of(node.inputs[0])
    if shape is None or len(shape) != 4 or attribute(node, "kernel_shape") != shape[2:]:
        return False
    replace_node(node, ir.Node("", "GlobalAveragePool", [node.inputs[0]], name=node.name))
    return True


_REWRITES: tuple[Rewrite, ...] = (
    _remove_no_op,
    explicit_padding,
    merge_pad,
    cancel_split_of_concat,
    _reduce_to_global_pool,
    _whole_plane_pool,
    _unused_region,
    _sum_to_add,
    _divide_to_multiply,
    _canonical_constant_order,
    matmul_to_gemm,
    merge_gemm_bias,
    fold_batch_norm,
    fold_affine_into_conv,
)
