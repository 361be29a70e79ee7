"""Node cases of onnx.backend.test whose data are integers, through our operators in `exact` numerics.

A float case with integer data is an integer case of scale 1, its result rounded. Unsigned data are shifted by 128 with
their zero points. Making the cases takes seconds, so this runs with the full counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from tests.conformance._numerics import Array, evaluate, hwc, single

from axemu.model.ops import conv_constants
from axemu.model.program import Tensor

NAMES = [
    "test_qlinearmatmul_2D_int8_float32",
    "test_qlinearmatmul_2D_uint8_float32",
    "test_qlinearmatmul_3D_int8_float32",
    "test_qlinearmatmul_3D_uint8_float32",
    "test_matmulinteger",
    "test_convinteger_with_padding",
    "test_convinteger_without_padding",
    "test_basic_conv_with_padding",
    "test_basic_conv_without_padding",
    "test_conv_with_strides_and_asymmetric_padding",
    "test_conv_with_strides_no_padding",
    "test_conv_with_strides_padding",
    "test_convtranspose",
    "test_convtranspose_dilations",
    "test_convtranspose_group_2",
    "test_convtranspose_pads",
    "test_maxpool_2d_dilations",
    "test_maxpool_2d_precomputed_pads",
    "test_maxpool_2d_precomputed_strides",
    "test_maxpool_2d_uint8",
    "test_globalmaxpool_precomputed",
    "test_averagepool_2d_precomputed_pads",
    "test_averagepool_2d_precomputed_pads_count_include_pad",
    "test_averagepool_2d_precomputed_strides",
    "test_globalaveragepool_precomputed",
]


pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    with warnings.catch_warnings():
        # Making the other 1800 cases overflows and divides by zero on purpose.
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return {case.name: case for case in load_model_tests(kind="node") if case.name in NAMES}


def signed(values: Array) -> tuple[Array, int]:
    """Return int8 values and what was taken from them."""
    shift = 128 if values.dtype == np.uint8 else 0
    moved = values.astype(np.float64) - shift
    assert (moved == np.rint(moved)).all()
    assert moved.min() >= -128
    assert moved.max() <= 127
    return moved.astype(np.int8), shift


def image(values: Array) -> Array:
    return hwc(values) if values.ndim == 4 else values[:, None, :]


def result_tensor(
    shape: tuple[int, ...], expected: Array, scale: float, zero_point: int
) -> tuple[Tensor, int]:
    """An output that holds `expected` without saturating: int8, or shifted by 128."""
    shift = 128 if expected.max() > 127 or expected.dtype == np.uint8 else 0
    return Tensor("y", (shape[0], shape[1], shape[2]), scale, zero_point - shift), shift


def integer_conv(node: Any, inputs: list[Array], attributes: Mapping[str, Any], expected: Array) -> Array:
    values, shift = signed(inputs[0])
    zero_point = (int(inputs[2].item()) if len(inputs) > 2 else 0) - shift
    weight_zero = inputs[3].reshape(-1, 1, 1, 1) if len(inputs) > 3 else 0
    weight = (inputs[1].astype(np.float64) - weight_zero).astype(np.int8)
    group = attributes.get("group", 1)
    transposed = node.op_type == "ConvTranspose"
    if transposed:
        inside, per_group, kh, kw = weight.shape
        grouped = weight.reshape(group, inside // group, per_group, kh, kw)
        weight = grouped.transpose(0, 2, 3, 4, 1).reshape(-1, kh, kw, inside // group)
    else:
        weight = weight.transpose(0, 2, 3, 1)
    names = ("strides", "dilations", "pads")
    ours = {name: tuple(attributes[name]) for name in names if name in attributes}
    ours |= {"kernel": weight.shape[1:3], "group": group}
    if "output_padding" in attributes:
        ours["output_padding"] = tuple(attributes["output_padding"])
    outputs = weight.shape[0]
    constants = conv_constants(np.ascontiguousarray(weight), np.ones(outputs), None, 1.0, zero_point, 1.0)
    x = Tensor("x", image(values).shape, 1.0, zero_point)
    y, moved = result_tensor(image(expected).shape, expected, 1.0, 0)
    op = "conv_transpose" if transposed else "conv"
    return evaluate(single(op, [x], y, ours, constants), [image(values)], "exact").astype(int) + moved


def pool(node: Any, inputs: list[Array], attributes: Mapping[str, Any], expected: Array) -> Array:
    values, shift = signed(inputs[0])
    op = "max_pool" if "Max" in node.op_type else "avg_pool"
    names = ("strides", "dilations", "pads")
    ours: dict[str, Any] = {name: tuple(attributes[name]) for name in names if name in attributes}
    ours["kernel"] = tuple(attributes.get("kernel_shape", inputs[0].shape[2:]))
    if attributes.get("count_include_pad"):
        ours["count_include_pad"] = True
    x = Tensor("x", image(values).shape)
    result = evaluate(single(op, [x], Tensor("y", image(expected).shape), ours), [image(values)], "exact")
    return result.astype(int) + shift


def matrix(node: Any, inputs: list[Array], attributes: Mapping[str, Any], expected: Array) -> Array:
    if node.op_type == "QLinearMatMul":
        a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = inputs
    else:
        a, b, a_zero, b_zero = inputs
        a_scale = b_scale = y_scale = np.float32(1)
        y_zero = np.int32(0)
    shift = 128 if a.dtype == np.uint8 else 0
    left, right = signed(a)[0], signed(b)[0]
    # A batch of matrices is one product after the other.
    stacked = zip(left.reshape(-1, *left.shape[-2:]), right.reshape(-1, *right.shape[-2:]), strict=True)
    results = []
    for first, second in stacked:
        y, moved = result_tensor(
            (1, first.shape[0], second.shape[1]), expected, y_scale.item(), int(y_zero.item())
        )
        tensors = [
            Tensor("a", (1, *first.shape), a_scale.item(), int(a_zero.item()) - shift),
            Tensor("b", (1, *second.shape), b_scale.item(), int(b_zero.item()) - shift),
        ]
        result = evaluate(single("matmul", tensors, y), [first[None], second[None]], "exact")
        results.append(result[0].astype(int) + moved)
    return np.stack(results).reshape(expected.shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_node_case_of_onnx_gives_its_published_output(name: str, cases: dict[str, Any]) -> None:
    model = cases[name].model
    (feeds, (expected, *_)), *_ = cases[name].data_sets
    inputs = [np.asarray(value) for value in feeds]
    node = model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if "MatMul" in node.op_type:
        np.testing.assert_array_equal(matrix(node, inputs, attributes, expected), expected)
    else:
        run = pool if "Pool" in node.op_type else integer_conv
        wanted = np.rint(image(np.asarray(expected)))
        np.testing.assert_array_equal(run(node, inputs, attributes, expected), wanted)
