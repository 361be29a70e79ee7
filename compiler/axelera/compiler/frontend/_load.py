"""From a file, a ModelProto or a torch module to a checked ONNX model of a current opset and fixed shapes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import onnx.shape_inference
import onnx.version_converter
import onnx_ir as ir
import onnxruntime
from onnx import helper

from axelera.compiler._errors import ModelError
from axelera.compiler._onnx_file import read_onnx
from axelera.compiler.frontend._ceil import CEIL_OPSET, pools_need_ceil_opset
from axelera.compiler.frontend._explain import unknown_shape
from axelera.compiler.frontend._tensors import check_tensors
from axelera.compiler.frontend._tools import CannotUnderstand, tool
from axelera.compiler.frontend._types import use_float32
from axemu.driver import path_errors

OLDEST_OPSET = 7
CANONICAL_OPSET = 17
IR_VERSION = 10
"""Of the models made here; newer versions add nothing that this project uses, and fewer tools read them."""


def load_proto(model: Any) -> onnx.ModelProto:
    """Return the ONNX model behind a path or a ModelProto (which is copied, not changed).

    Raises:
        ModelError: there is no such file, it is no ONNX model, or its data lies outside its directory.
    """
    if isinstance(model, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    if not isinstance(model, (str, os.PathLike)):
        raise ModelError(
            f"model is {type(model).__name__}, expected an ONNX model, the path of one or a torch module"
        )
    with path_errors(ModelError, f"model file {model}"):
        return read_onnx(Path(model), external=True)


def opset_of(proto: onnx.ModelProto) -> int:
    """Return the version of the standard operator set a model was written for."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions:
        raise ModelError("the model imports no standard operator set; export it as ordinary ONNX")
    return int(max(versions))


def normalise(
    proto: onnx.ModelProto, name: str, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> onnx.ModelProto:
    """Check the model, fix its input shapes and bring it to float32 and to opset 17 or newer (22 for some pools).

    Args:
        proto: the model; it is changed in place.
        name: what messages call the model.
        input_shapes: full shapes for inputs whose dimensions are not fixed by the file.

    Raises:
        ModelError: the model is malformed, too old, dynamic in more than its batch, or of a batch above one.
    """
    opset = opset_of(proto)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise ModelError(
            f"model {name!r} uses opset {opset}; opsets {OLDEST_OPSET} to {newest} are understood"
        )
    check_tensors(proto.graph, name)
    _drop_initializers_from_inputs(proto)
    _pin_inputs(proto, name, dict(input_shapes or {}))
    del proto.graph.value_info[:]  # stale once shapes are pinned
    _name_nodes(proto)
    try:
        _forget_output_shapes(proto, name)
        use_float32(proto)
        with tool():
            onnx.checker.check_model(proto)
        if opset < CANONICAL_OPSET:
            proto = _converted(proto, CANONICAL_OPSET)
        elif opset > (runnable := newest_runnable_opset()):
            proto = _converted(proto, runnable)
        if opset_of(proto) < CEIL_OPSET and pools_need_ceil_opset(proto):
            proto = _converted(proto, CEIL_OPSET)
            del proto.graph.value_info[:]  # converters infer shapes, in the way of the older opset
            _forget_output_shapes(proto, name)
    except CannotUnderstand as error:
        reason = error.__cause__ or error
        raise ModelError(f"model {name!r} (opset {opset}) is not valid ONNX: {reason}") from error
    proto.ir_version = min(proto.ir_version, IR_VERSION)
    return proto


def _converted(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    with tool():
        return onnx.version_converter.convert_version(proto, opset)


@cache
def newest_runnable_opset() -> int:
    """Return the newest opset that ONNX Runtime takes; the onnx package is often ahead of it."""
    value, result = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, []) for name in ("x", "y"))
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", [value], [result])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for opset in range(onnx.defs.onnx_opset_version(), CANONICAL_OPSET, -1):
        imports = [helper.make_opsetid("", opset)]
        probe = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION).SerializeToString()
        # onnxruntime raises pybind exceptions without a common base
        with suppress(Exception):
            onnxruntime.InferenceSession(probe, options, providers=["CPUExecutionProvider"])
            return opset
    return CANONICAL_OPSET


def _drop_initializers_from_inputs(proto: onnx.ModelProto) -> None:
    constants = {tensor.name for tensor in proto.graph.initializer}
    kept = [value for value in proto.graph.input if value.name not in constants]
    del proto.graph.input[:]
    proto.graph.input.extend(kept)
    proto.ir_version = max(proto.ir_version, 4)  # older files had to list constants as inputs


def _pin_inputs(proto: onnx.ModelProto, name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    known = [value.name for value in proto.graph.input]
    for wrong in set(shapes) - set(known):
        raise ModelError(f"model {name!r} has no input {wrong!r} to give a shape; its inputs are {known}")
    if not known:
        raise ModelError(f"model {name!r} has no input; there is nothing to run")
    for value in proto.graph.input:
        dims = value.type.tensor_type.shape.dim
        wanted = shapes.get(value.name)
        if wanted is not None:
            _impose(value, name, wanted)
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            raise ModelError(f"input {value.name!r} of model {name!r} has no shape; pass one (--input-shape)")
        for axis, dim in enumerate(dims):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                continue
            if axis != 0:
                raise ModelError(
                    f"input {value.name!r} of model {name!r}: dimension {axis} is dynamic ({dim.dim_param or '?'}); "
                    "only the batch may be, so export with a fixed size or pass a shape (--input-shape)"
                )
            dim.Clear()
            dim.dim_value = 1
        if len(dims) and dims[0].dim_value != 1:
            raise ModelError(
                f"input {value.name!r} of model {name!r} has batch {dims[0].dim_value}: only batch sizes of 1 are "
                "supported; work is split across cores with aipu_cores_used, not inside the model"
            )


def _impose(value: onnx.ValueInfoProto, name: str, wanted: tuple[int, ...]) -> None:
    shape = value.type.tensor_type.shape
    fixed = [dim.dim_value for dim in shape.dim]
    if fixed and len(fixed) != len(wanted):
        raise ModelError(
            f"input {value.name!r} of model {name!r} has rank {len(fixed)}; shape {wanted} does not fit"
        )
    for axis, (have, want) in enumerate(zip(fixed, wanted, strict=False)):
        if have > 0 and have != want:
            raise ModelError(
                f"input {value.name!r} of model {name!r}: dimension {axis} is {have}, not {want}"
            )
    del shape.dim[:]
    for extent in wanted:
        shape.dim.add().dim_value = int(extent)


def _name_nodes(proto: onnx.ModelProto) -> None:
    """Name nameless nodes after what they compute: that is how a person finds them in a viewer."""
    taken = {node.name for node in proto.graph.node}
    for node in proto.graph.node:
        output = next(iter(node.output), "")
        if not node.name and output and output not in taken:
            node.name = output
            taken.add(output)


def _forget_output_shapes(proto: onnx.ModelProto, name: str) -> None:
    """Keep ranks alone; find them where the file leaves even these out.

    Raises:
        ModelError: a rank cannot be found; names the node at fault.
    """
    if not all(value.type.tensor_type.HasField("shape") for value in proto.graph.output):
        with tool():
            inferred = onnx.shape_inference.infer_shapes(proto)
        model = ir.from_proto(inferred)
        for value in model.graph.outputs:
            if value.shape is None:
                raise ModelError(f"model {name!r}: {unknown_shape(model, value)}")
        del proto.graph.output[:]
        proto.graph.output.extend(inferred.graph.output)
    fixed = {value.name for value in proto.graph.input}
    for value in proto.graph.output:
        for dim in () if value.name in fixed else value.type.tensor_type.shape.dim:
            dim.Clear()
