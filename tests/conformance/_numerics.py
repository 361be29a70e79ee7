"""Single-operator programs and the external engines they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from hypothesis import settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tests._sizes import sample

from axemu.model.ops import execute
from axemu.model.program import Node, Program, Tensor, validate

Array = npt.NDArray[Any]

ZERO_POINTS = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
SCALES = st.floats(2.0**-9, 2.0, width=32)
CASES = settings(max_examples=sample(30, 1000))
"""Property tests: a seeded sample, or the full count."""

_OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
_ONNX_TYPES = {
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.int32): TensorProto.INT32,
}


def single(
    op: str,
    inputs: Sequence[Tensor],
    output: Tensor,
    attributes: Mapping[str, Any] | None = None,
    constants: Mapping[str, Array] | None = None,
) -> Program:
    """Return a checked program of one node."""
    values = dict(constants or {})
    names = tuple(tensor.name for tensor in inputs)
    program = Program(
        name=op,
        batch=1,
        tensors={tensor.name: tensor for tensor in (*inputs, output)},
        nodes=(
            Node(op, "node", names, output.name, dict(attributes or {}), {role: role for role in values}),
        ),
        inputs=tuple(dict.fromkeys(names)),
        outputs=(output.name,),
        constants=values,
    )
    validate(program)
    return program


def evaluate(program: Program, values: Sequence[Array], numerics: str) -> Array:
    """Return the output of a single-operator program."""
    frame = dict(zip(program.inputs, values, strict=True))
    return execute(program, frame, numerics)[program.outputs[0]]  # type: ignore[arg-type]


def onnx_model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Array],
    initializers: Mapping[str, Array],
    output: Any = np.int8,
) -> onnx.ModelProto:
    """Return a model whose only output is the last node's."""
    graph = helper.make_graph(
        list(nodes),
        "case",
        [helper.make_tensor_value_info(k, _ONNX_TYPES[v.dtype], v.shape) for k, v in inputs.items()],
        [helper.make_tensor_value_info(nodes[-1].output[0], _ONNX_TYPES[np.dtype(output)], None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in initializers.items()],
    )
    return helper.make_model(graph, opset_imports=_OPSETS, ir_version=10)


def run_ort(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> Array:
    """Run by ONNX Runtime, node by node as written and without 16-bit saturation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    result: Array = session.run(None, dict(inputs))[0]
    return result


def run_reference(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> Array:
    """Run by the reference evaluator of ONNX."""
    result: Array = ReferenceEvaluator(model).run(None, dict(inputs))[0]  # type: ignore[assignment]
    return result


def nchw(values: Array) -> Array:
    """(H, W, C) to (1, C, H, W)."""
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def hwc(values: Array) -> Array:
    """(1, C, H, W) to (H, W, C)."""
    return np.ascontiguousarray(values[0].transpose(1, 2, 0))


def random_int8(rng: np.random.Generator, shape: Sequence[int], low: int = -128) -> Array:
    """Return int8 values, a quarter of the draws at the ends of the range."""
    values = rng.integers(low, 128, shape).astype(np.int8)
    return np.where(
        rng.random(shape) < 0.25, rng.choice(np.array([low, 127], np.int8), shape), values
    ).astype(np.int8)


def output_size(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> int:
    """Number of window positions along one axis."""
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1


def assert_equal_but_for_ties(result: Array, reference: Array, sums: Array, multiplier: Array) -> None:
    """Compare with onnx.reference, which rounds sum * multiplier + zero point in float64.

    Where sum * multiplier is halfway between two integers to float32's precision, that differs from float32 and from
    rounding before the zero point is added, as ONNX Runtime does; there the two may be one step apart.
    """
    exact = sums.astype(np.float64) * np.asarray(multiplier, np.float64)
    tie = np.abs(exact - np.floor(exact) - 0.5) <= np.abs(exact) * 2.0**-23
    difference = np.abs(result.astype(int) - reference.astype(int))
    assert not difference[~tie].any()
    assert (difference <= 1).all()
