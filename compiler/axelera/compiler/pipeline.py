"""The compile pipeline: every pass in the order in which it runs.

A pass on a graph changes the `onnx_ir` model it is given, which the pipeline made for itself; every other pass returns a
new state and leaves the one it was given as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir

from axelera.compiler._dump import Dump
from axelera.compiler._errors import ConfigurationError, ModelError
from axelera.compiler._pass import Pass, Watch, watched
from axelera.compiler.config import nearest
from axelera.compiler.frontend import (
    CannotUnderstand,
    Partition,
    cancel_split_of_concat,
    canonical_constant_order,
    check_clean,
    divide_to_multiply,
    drop_unused_region,
    everywhere,
    expand_constant_of_shape,
    explicit_padding,
    fold_affine_into_conv,
    fold_batch_norm,
    fold_constants,
    infer_shapes,
    inline_functions,
    lift_constants,
    load_proto,
    matmul_to_gemm,
    merge_gemm_bias,
    merge_pad,
    name_nodes,
    normalise,
    partition,
    reduce_to_global_pool,
    remove_no_op,
    remove_unused,
    sort_nodes,
    sum_to_add,
    tool,
    unwrap,
    whole_plane_pool,
)
from axelera.compiler.lowering import (
    LoweredNetwork,
    copy_shared_outputs,
    insert_requantise,
    lower,
    pad_interface,
)
from axelera.compiler.planning import plan
from axelera.compiler.quantisation import choose_scales, emit, equalise, given_scales, normalise_tables

__all__ = ["PASSES", "Pass", "Watch", "dump_after", "watched"]

# The file: an ONNX model in, an ONNX model out.
NORMALISE = Pass(normalise, "Check the model, fix its input shapes, bring it to float32 and a current opset.")
UNWRAP = Pass(unwrap, "Take a quantised model apart into a float one and the scales it brings along.")

# The graph, before anything else.
EXPAND = Pass(expand_constant_of_shape, "Turn ConstantOfShape into a constant that takes no memory.")
LIFT = Pass(lift_constants, "Turn Constant nodes into initializers.")
INLINE = Pass(inline_functions, "Put the nodes of local functions where they are called.")
FOLD = Pass(fold_constants, "Compute what only constants go into, within limits of size.")
REMOVE_UNUSED = Pass(remove_unused, "Drop nodes and constants that nothing reads.")

# The graph, again and again until no rewrite changes it.
INFER_SHAPES = Pass(infer_shapes, "Fill in the shapes of all values.")
FOLD_AFFINE = Pass(
    everywhere(fold_affine_into_conv),
    "Fold Mul and Add by a constant per channel into the convolution before them.",
)
REWRITES = (
    Pass(everywhere(remove_no_op), "Remove operators that change nothing, as Identity, Dropout, a Pad by 0."),
    Pass(everywhere(explicit_padding), "Write auto_pad out as numbers."),
    Pass(everywhere(merge_pad), "Put a Pad with zeros into the convolution or pool behind it."),
    Pass(everywhere(cancel_split_of_concat), "Cancel a Split that undoes a Concat."),
    Pass(everywhere(reduce_to_global_pool), "Write ReduceMean and ReduceMax over the plane as global pools."),
    Pass(everywhere(whole_plane_pool), "Write an AveragePool over the whole plane as a global pool."),
    Pass(everywhere(drop_unused_region), "Drop the region of interest where Resize does not look at it."),
    Pass(everywhere(sum_to_add), "Write Sum as a chain of Adds."),
    Pass(everywhere(divide_to_multiply), "Write Div and Sub by a constant as Mul and Add."),
    Pass(everywhere(canonical_constant_order), "Put the computed operand of Add and Mul first."),
    Pass(everywhere(matmul_to_gemm), "Write MatMul by a constant matrix as Gemm."),
    Pass(everywhere(merge_gemm_bias), "Put an Add of a constant into the Gemm before it."),
    Pass(everywhere(fold_batch_norm), "Fold a batch norm into the convolution before it, else write it as Mul and Add."),
    FOLD_AFFINE,
)  # fmt: skip

# The graph, at the end.
SORT = Pass(sort_nodes, "Put every node behind those it reads.")
NAME = Pass(name_nodes, "Give every node a name.")

# From the graph to host and chip, and to operators of the chip.
PARTITION = Pass(
    partition, "Part the graph into what the host does before, what the chip runs, and what comes after."
)
LOWER = Pass(lower, "Write the chip's part with operators of the chip, on height x width x channels.")

# The network of the chip.
COPY_SHARED_OUTPUTS = Pass(copy_shared_outputs, "Give every output a tensor of its own.")
INSERT_REQUANTIZE = Pass(insert_requantise, "Bring what goes into a concatenation to one scale.")
PAD_INTERFACE = Pass(pad_interface, "Pad inputs and outputs as the host has to deliver or gets them.")
NORMALISE_TABLES = Pass(normalise_tables, "Spread each channel in front of a table over the whole of int8.")
EQUALISE = Pass(equalise, "Balance the channels that convolutions read.")

# Numbers to integers.
GIVEN_SCALES = Pass(given_scales, "Carry the scales of a quantised model to every tensor.")
CHOOSE_SCALES = Pass(choose_scales, "Choose scale and zero point of every tensor from what calibration saw.")
EMIT = Pass(emit, "Write the integer program: weights, corrected biases, tables.")
PLAN = Pass(plan, "Write the program of a core: passes, transfers and steps, and where maps and weights lie.")

_ONCE = (EXPAND, LIFT, INLINE, FOLD, REMOVE_UNUSED)
_ROUND = (EXPAND, LIFT, INFER_SHAPES, *REWRITES, REMOVE_UNUSED)
_LAST = (SORT, NAME, INFER_SHAPES)
_ROUNDS = 8

PASSES: tuple[Pass[..., Any], ...] = (
    NORMALISE, UNWRAP,
    *_ONCE, INFER_SHAPES, *REWRITES, SORT, NAME,
    PARTITION, LOWER,
    COPY_SHARED_OUTPUTS, INSERT_REQUANTIZE, PAD_INTERFACE, NORMALISE_TABLES, EQUALISE,
    GIVEN_SCALES, CHOOSE_SCALES, EMIT, PLAN,
)  # fmt: skip
"""All of them, in the order in which each runs first."""


def dump_after(names: tuple[str, ...], folder: Path) -> Dump:
    """Return what writes the state after each named pass into `folder`; for `watched`.

    A graph becomes NAME.onnx, anything else NAME.txt. Of a pass that runs several times the last state stays.

    Raises:
        ConfigurationError: there is no pass of a name.
    """
    known = [entry.name for entry in PASSES]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"no pass {name!r}{nearest(name, known)}; there are {', '.join(known)}")
    return Dump(frozenset(names), folder)


def loaded(
    model: Any, name: str, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> onnx.ModelProto:
    """Return a model, a copy of it or the one behind a path, after `normalise`."""
    return NORMALISE(load_proto(model), name, input_shapes)


def cleaned(proto: onnx.ModelProto, name: str, *, keep_weights: bool = False) -> ir.Model:
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
    check_clean(model, name)
    return model


def simplify(model: ir.Model, *, keep_weights: bool = False) -> None:
    """Clean `model` up in place: the passes on the graph.

    With `keep_weights` nothing is folded into the weights of convolutions, which are then as they were.

    Raises:
        CannotUnderstand: the graph contradicts itself, or the tools of others cannot digest it.
    """
    for step in _ONCE:
        step(model)
    for _ in range(_ROUNDS):
        changed = [step(model) for step in _ROUND if not (keep_weights and step is FOLD_AFFINE)]
        if not any(changed):
            break
    for step in _LAST:
        step(model)


def lowered(part: Partition, name: str) -> LoweredNetwork:
    """Return the chip's part of a network as operators of the chip, its interface padded; scales are not decided.

    Raises:
        UnsupportedModelError: something passed the operator matrix that no chip operator can express; all are listed.
    """
    return PAD_INTERFACE(INSERT_REQUANTIZE(COPY_SHARED_OUTPUTS(LOWER(part, name))))
