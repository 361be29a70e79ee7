"""Convolutions in `exact` numerics against ONNX Runtime and onnx.reference, on every element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from onnx import helper
from tests.conformance._numerics import (
    CASES,
    SCALES,
    ZERO_POINTS,
    Array,
    assert_equal_but_for_ties,
    evaluate,
    hwc,
    nchw,
    onnx_model,
    output_size,
    random_int8,
    run_ort,
    run_reference,
    single,
)

from axemu.model.ops import conv_constants
from axemu.model.program import Tensor


@dataclass(frozen=True)
class ConvCase:
    values: Array
    weight: Array
    weight_scale: Array
    bias: Array
    tensor: Tensor
    out_scale: float
    out_zero_point: int
    attributes: dict[str, Any]


@st.composite
def conv_cases(draw: st.DrawFn, kind: str) -> ConvCase:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    group = draw(st.sampled_from([1, 2, 3, 5, 8])) if kind != "dense" else 1
    depth = 1 if kind == "depthwise" else draw(st.sampled_from([1, 2, 3, 7, 16, 33]))
    outputs = draw(st.sampled_from([1, 1, 2])) if kind == "depthwise" else draw(st.sampled_from([1, 2, 5, 8]))
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    dilations = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = draw(st.tuples(*(st.integers(0, extent[axis % 2] - 1) for axis in range(4))))
    height, width = draw(st.tuples(st.integers(1, 11), st.integers(1, 11)))
    assume(height + pads[0] + pads[2] >= extent[0])
    assume(width + pads[1] + pads[3] >= extent[1])
    shape = (height, width, group * depth)
    weight = random_int8(rng, (group * outputs, *kernel, depth), -127)
    weight_scale = rng.uniform(1e-4, 1e-2, group * outputs).astype(np.float32)
    tensor = Tensor("x", shape, draw(SCALES), draw(ZERO_POINTS))
    reach = float(np.sqrt(depth * kernel[0] * kernel[1])) * 127 * 60 * tensor.scale * 5e-3
    bias = rng.normal(0, reach / 3, group * outputs).astype(np.float32)
    return ConvCase(
        values=random_int8(rng, shape),
        weight=weight,
        weight_scale=weight_scale,
        bias=bias,
        tensor=tensor,
        out_scale=float(np.float32(reach / draw(st.sampled_from([8, 40, 127])))),
        out_zero_point=draw(ZERO_POINTS),
        attributes={
            "kernel": kernel,
            "strides": strides,
            "dilations": dilations,
            "pads": pads,
            "group": group,
        },
    )


def ours(case: ConvCase) -> Array:
    constants = conv_constants(
        case.weight, case.weight_scale, case.bias, case.tensor.scale, case.tensor.zero_point, case.out_scale
    )
    top, left, bottom, right = case.attributes["pads"]
    size = [
        output_size(length, before, after, *rest)
        for length, before, after, *rest in zip(
            case.tensor.shape[:2],
            (top, left),
            (bottom, right),
            case.attributes["kernel"],
            case.attributes["strides"],
            case.attributes["dilations"],
            strict=True,
        )
    ]
    output = Tensor("y", (size[0], size[1], case.weight.shape[0]), case.out_scale, case.out_zero_point)
    return evaluate(single("conv", [case.tensor], output, case.attributes, constants), [case.values], "exact")


def qlinear_conv(case: ConvCase) -> tuple[Any, dict[str, Array]]:
    constants = conv_constants(
        case.weight, case.weight_scale, case.bias, case.tensor.scale, case.tensor.zero_point, case.out_scale
    )
    node = helper.make_node(
        "QLinearConv",
        ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"],
        ["y"],
        kernel_shape=case.attributes["kernel"],
        strides=case.attributes["strides"],
        dilations=case.attributes["dilations"],
        pads=case.attributes["pads"],
        group=case.attributes["group"],
    )
    feeds = {"x": nchw(case.values)}
    model = onnx_model(
        [node],
        feeds,
        {
            "xs": np.float32(case.tensor.scale),
            "xz": np.int8(case.tensor.zero_point),
            "w": np.ascontiguousarray(case.weight.transpose(0, 3, 1, 2)),
            "ws": case.weight_scale,
            "wz": np.zeros(case.weight.shape[0], np.int8),
            "ys": np.float32(case.out_scale),
            "yz": np.int8(case.out_zero_point),
            "b": constants["bias_i32"],
        },
    )
    return model, feeds


@pytest.mark.parametrize("kind", ["dense", "depthwise", "grouped"])
def test_convolution_equals_qlinearconv_of_onnx_runtime(kind: str) -> None:
    @CASES
    @given(conv_cases(kind))
    def check(case: ConvCase) -> None:
        model, feeds = qlinear_conv(case)
        np.testing.assert_array_equal(ours(case), hwc(run_ort(model, feeds)))

    check()


def sums_of(case: ConvCase) -> tuple[Array, Array]:
    """Sums with bias by ConvInteger of ONNX Runtime, (H, W, O), and the multiplier per channel."""
    constants = conv_constants(
        case.weight, case.weight_scale, case.bias, case.tensor.scale, case.tensor.zero_point, case.out_scale
    )
    names = {"kernel": "kernel_shape"}
    attributes = {names.get(key, key): value for key, value in case.attributes.items()}
    node = helper.make_node("ConvInteger", ["x", "w", "xz"], ["y"], **attributes)
    # ConvInteger of ONNX Runtime takes unsigned activations: both are shifted by 128.
    feeds = {"x": (nchw(case.values).astype(int) + 128).astype(np.uint8)}
    weights = {
        "w": np.ascontiguousarray(case.weight.transpose(0, 3, 1, 2)),
        "xz": np.uint8(case.tensor.zero_point + 128),
    }
    sums = hwc(run_ort(onnx_model([node], feeds, weights, np.int32), feeds))
    return sums.astype(np.int64) + constants["bias_i32"], constants["multiplier"]


@pytest.mark.parametrize("kind", ["dense", "depthwise", "grouped"])
def test_convolution_equals_qlinearconv_of_onnx_reference(kind: str) -> None:
    @CASES
    @given(conv_cases(kind))
    def check(case: ConvCase) -> None:
        model, feeds = qlinear_conv(case)
        sums, multiplier = sums_of(case)
        assert_equal_but_for_ties(ours(case), hwc(run_reference(model, feeds)), sums, multiplier)

    check()


def test_convolution_spreads_over_the_range_in_these_cases() -> None:
    """The comparison above would be empty if most results were saturated."""
    within: list[float] = []

    @CASES
    @given(conv_cases("dense"))
    def collect(case: ConvCase) -> None:
        result = ours(case)
        within.append(float(((result > -128) & (result < 127)).mean()))

    collect()
    assert np.mean(within) > 0.3


@pytest.mark.parametrize(("channels", "zero_point"), [(4096, -128), (25088, 127), (131071, 0)])
def test_long_sums_equal_onnx_runtime(channels: int, zero_point: int) -> None:
    rng = np.random.default_rng(channels)
    values = np.full((1, 1, channels), -128, np.int8)
    weight = np.where(rng.random((3, 1, 1, channels)) < 0.6, 60, -60).astype(np.int8)
    case = ConvCase(
        values=values,
        weight=weight,
        weight_scale=np.full(3, 0.01, np.float32),
        bias=np.array([100.0, -3.0, 0.0], np.float32),
        tensor=Tensor("x", values.shape, 0.02, zero_point),
        out_scale=channels * 0.001,
        out_zero_point=3,
        attributes={
            "kernel": (1, 1),
            "strides": (1, 1),
            "dilations": (1, 1),
            "pads": (0, 0, 0, 0),
            "group": 1,
        },
    )
    model, feeds = qlinear_conv(case)
    np.testing.assert_array_equal(ours(case), hwc(run_ort(model, feeds)))


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_transposed_convolution_equals_convtranspose_of_onnx_runtime(data: st.DataObject, seed: int) -> None:
    """ONNX Runtime sums the integers in float32, exactly; QLinearConv's formula does the rest."""
    rng = np.random.default_rng(seed)
    group, depth, outputs = data.draw(st.tuples(*[st.integers(1, 4)] * 3))
    kernel, strides, dilations, size = (
        data.draw(st.tuples(*[st.integers(1, top)] * 2)) for top in (4, 3, 2, 6)
    )
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = data.draw(st.tuples(*(st.integers(0, extent[axis % 2] - 1) for axis in range(4))))
    extra = data.draw(st.tuples(*(st.integers(0, strides[a] - 1) for a in (0, 1))))
    full = [(size[a] - 1) * strides[a] + extent[a] - pads[a] - pads[a + 2] + extra[a] for a in (0, 1)]
    assume(min(full) >= 1)
    tensor = Tensor("x", (*size, group * depth), 0.03, data.draw(ZERO_POINTS))
    output = Tensor("y", (full[0], full[1], group * outputs), 1.7, data.draw(ZERO_POINTS))
    weight = random_int8(rng, (group * outputs, *kernel, depth), -127)
    constants = conv_constants(
        weight,
        rng.uniform(0.001, 0.02, group * outputs),
        rng.normal(0, 5, group * outputs),
        0.03,
        tensor.zero_point,
        1.7,
    )
    values = random_int8(rng, tensor.shape)
    attributes = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads, "group": group}
    result = evaluate(
        single("conv_transpose", [tensor], output, {**attributes, "output_padding": extra}, constants),
        [values],
        "exact",
    )
    # ONNX keeps (I, O / group, kh, kw).
    stored = (
        weight.reshape(group, outputs, *kernel, depth).transpose(0, 4, 1, 2, 3).reshape(-1, outputs, *kernel)
    )
    node = helper.make_node(
        "ConvTranspose",
        ["x", "w"],
        ["y"],
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=group,
        output_padding=extra,
    )
    feeds = {"x": nchw(values).astype(np.float32) - np.float32(tensor.zero_point)}
    sums = run_ort(
        onnx_model([node], feeds, {"w": np.ascontiguousarray(stored, np.float32)}, np.float32), feeds
    )
    biased = (hwc(sums).astype(np.int64) + constants["bias_i32"]).astype(np.float32)
    expected = np.rint(biased * constants["multiplier"]) + output.zero_point
    np.testing.assert_array_equal(result, np.clip(expected, -128, 127))
