"""Single operators in `exact` numerics on compiled paths against ONNX Runtime, on every element."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from tests._sizes import sample
from tests.conformance._compute import EVERY_PATH, run
from tests.conformance._numerics import Array, hwc, nchw, onnx_model, random_int8, run_ort, single

from axemu.model.ops import conv_constants
from axemu.model.program import Tensor

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=sample(6, 400))


def quantisation(rng: np.random.Generator) -> tuple[float, int]:
    scale = float(np.float32(rng.uniform(2**-8, 0.5)))
    return scale, int(rng.choice([-128, 0, 127, rng.integers(-128, 128)]))


@EVERY_PATH
def test_a_convolution_equals_qlinearconv(path: str) -> None:
    @FEW
    @given(SEEDS)
    def check(seed: int) -> None:
        rng = np.random.default_rng(seed)
        group = int(rng.choice([1, 1, 2, 4]))
        depth, each = int(rng.integers(1, 24)), int(rng.integers(1, 24))
        if rng.random() < 0.3:
            group, depth, each = int(rng.integers(2, 80)), 1, 1
        kernel = tuple(int(size) for size in rng.integers(1, 5, 2))
        strides = tuple(int(size) for size in rng.integers(1, 3, 2))
        dilations = tuple(int(size) for size in rng.integers(1, 3, 2))
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        pads = tuple(int(rng.integers(0, extent[axis % 2])) for axis in range(4))
        height, width = (int(rng.integers(size, size + 9)) for size in extent)
        scale, zero = quantisation(rng)
        values = random_int8(rng, (height, width, group * depth))
        weight = random_int8(rng, (group * each, *kernel, depth), -127)
        weight_scale = rng.uniform(1e-3, 1e-2, group * each).astype(np.float32)
        bias = rng.normal(0, 1, group * each)
        out_scale = float(np.float32(np.sqrt(weight[0].size) * 60 * scale * rng.choice([0.01, 0.05, 0.4])))
        out_zero = quantisation(rng)[1]
        constants = conv_constants(weight, weight_scale, bias, scale, zero, out_scale)
        window = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads, "group": group}
        model = onnx_model(
            [
                helper.make_node(
                    "QLinearConv",
                    ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"],
                    ["y"],
                    kernel_shape=kernel,
                    strides=strides,
                    dilations=dilations,
                    pads=pads,
                    group=group,
                )
            ],
            {"x": nchw(values)},
            {
                "xs": np.float32(scale),
                "xz": np.int8(zero),
                "w": np.ascontiguousarray(weight.transpose(0, 3, 1, 2)),
                "ws": weight_scale,
                "wz": np.zeros(group * each, np.int8),
                "ys": np.float32(out_scale),
                "yz": np.int8(out_zero),
                "b": constants["bias_i32"],
            },
        )
        wanted = hwc(run_ort(model, {"x": nchw(values)}))
        output = Tensor("y", wanted.shape, out_scale, out_zero)  # type: ignore[arg-type]
        program = single("conv", [Tensor("x", values.shape, scale, zero)], output, window, constants)  # type: ignore[arg-type]
        np.testing.assert_array_equal(run(program, {"x": values}, "exact", path)["y"][0], wanted)

    check()


@EVERY_PATH
def test_a_matrix_product_equals_qlinearmatmul(path: str) -> None:
    @FEW
    @given(SEEDS)
    def check(seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows, depth, columns = (int(size) for size in rng.integers(1, 70, 3))
        (left_scale, left_zero), (right_scale, right_zero), (_, zero) = (quantisation(rng) for _ in range(3))
        left, right = random_int8(rng, (1, rows, depth)), random_int8(rng, (1, depth, columns))
        scale = float(np.float32(left_scale * right_scale * np.sqrt(depth) * 40))
        model = onnx_model(
            [helper.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])],
            {"a": left, "b": right},
            {
                "as": np.float32(left_scale),
                "az": np.int8(left_zero),
                "bs": np.float32(right_scale),
                "bz": np.int8(right_zero),
                "ys": np.float32(scale),
                "yz": np.int8(zero),
            },
        )
        wanted = run_ort(model, {"a": left, "b": right})
        tensors = [
            Tensor("a", (1, rows, depth), left_scale, left_zero),
            Tensor("b", (1, depth, columns), right_scale, right_zero),
        ]
        program = single(
            "matmul", tensors, Tensor("y", (1, rows, columns), scale, zero), {"transpose_b": False}
        )
        np.testing.assert_array_equal(run(program, {"a": left, "b": right}, "exact", path)["y"][0], wanted)

    check()


def pool_case(rng: np.random.Generator) -> tuple[Array, tuple[int, int], tuple[int, int], tuple[int, ...]]:
    kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    strides = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    pads = tuple(int(rng.integers(0, kernel[axis % 2])) for axis in range(4))
    shape = (*(int(rng.integers(size, size + 9)) for size in kernel), int(rng.integers(1, 70)))
    return random_int8(rng, shape), kernel, strides, pads


@EVERY_PATH
def test_a_maximum_pool_equals_maxpool(path: str) -> None:
    @FEW
    @given(SEEDS)
    def check(seed: int) -> None:
        rng = np.random.default_rng(seed)
        values, kernel, strides, pads = pool_case(rng)
        node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=kernel, strides=strides, pads=pads)
        wanted = hwc(run_ort(onnx_model([node], {"x": nchw(values)}, {}), {"x": nchw(values)}))
        window = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": (1, 1)}
        tensors = [Tensor("x", values.shape, 0.5, 3)]  # type: ignore[arg-type]
        program = single("max_pool", tensors, Tensor("y", wanted.shape, 0.5, 3), window)  # type: ignore[arg-type]
        np.testing.assert_array_equal(run(program, {"x": values}, "exact", path)["y"][0], wanted)

    check()


@EVERY_PATH
def test_a_global_average_equals_qlinearglobalaveragepool(path: str) -> None:
    @FEW
    @given(SEEDS)
    def check(seed: int) -> None:
        rng = np.random.default_rng(seed)
        values = random_int8(rng, tuple(int(size) for size in rng.integers(1, [10, 10, 100])))
        (scale, zero), (out_scale, out_zero) = quantisation(rng), quantisation(rng)
        domain = "com.microsoft"
        node = helper.make_node(
            "QLinearGlobalAveragePool", ["x", "xs", "xz", "ys", "yz"], ["y"], domain=domain, channels_last=0
        )
        constants = {
            "xs": np.float32(scale),
            "xz": np.int8(zero),
            "ys": np.float32(out_scale),
            "yz": np.int8(out_zero),
        }
        wanted = hwc(run_ort(onnx_model([node], {"x": nchw(values)}, constants), {"x": nchw(values)}))
        window = {"kernel": values.shape[:2], "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
        tensors = [Tensor("x", values.shape, scale, zero)]  # type: ignore[arg-type]
        output = Tensor("y", (1, 1, values.shape[2]), out_scale, out_zero)
        program = single("avg_pool", tensors, output, {**window, "count_include_pad": False})
        np.testing.assert_array_equal(run(program, {"x": values}, "exact", path)["y"][0], wanted)

    check()


def test_the_oracle_sees_a_single_wrong_bit() -> None:
    values = np.zeros((2, 2, 3), np.int8)
    program = single(
        "lut",
        [Tensor("x", (2, 2, 3))],
        Tensor("y", (2, 2, 3)),
        {},
        {"table": np.arange(-128, 128).astype(np.int8)},
    )
    found = run(program, {"x": values}, "exact", "auto")["y"][0]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(found, values + np.int8(1))
