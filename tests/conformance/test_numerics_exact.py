"""`exact` numerics against ONNX Runtime and onnx.reference, on every element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper
from tests._sizes import sample
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

from axemu.model.program import Tensor


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), transposed=st.booleans())
@pytest.mark.parametrize("engine", [run_ort, run_reference], ids=["onnxruntime", "reference"])
def test_matmul_equals_qlinearmatmul(engine: Any, data: st.DataObject, seed: int, transposed: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, columns, outputs = data.draw(st.tuples(*[st.integers(1, 9)] * 3))
    depth = data.draw(st.sampled_from([1, 3, 16, 65, 400]))
    a = Tensor("a", (rows, columns, depth), data.draw(SCALES), data.draw(ZERO_POINTS))
    b = Tensor(
        "b",
        (1, outputs, depth) if transposed else (1, depth, outputs),
        data.draw(SCALES),
        data.draw(ZERO_POINTS),
    )
    scale = float(np.float32(a.scale * b.scale * np.sqrt(depth) * data.draw(st.sampled_from([30, 100]))))
    output = Tensor("y", (rows, columns, outputs), scale, data.draw(ZERO_POINTS))
    left, right = random_int8(rng, a.shape), random_int8(rng, b.shape)
    result = evaluate(single("matmul", [a, b], output, {"transpose_b": transposed}), [left, right], "exact")
    feeds = {
        "a": left.reshape(rows * columns, depth),
        "b": np.ascontiguousarray(right[0].T if transposed else right[0]),
    }
    names = ["a", "as", "az", "b", "bs", "bz", "ys", "yz"]
    constants = {
        "as": np.float32(a.scale),
        "az": np.int8(a.zero_point),
        "bs": np.float32(b.scale),
        "bz": np.int8(b.zero_point),
        "ys": np.float32(scale),
        "yz": np.int8(output.zero_point),
    }
    model = onnx_model([helper.make_node("QLinearMatMul", names, ["y"])], feeds, constants)
    reference, matrix = engine(model, feeds), result.reshape(rows * columns, outputs)
    if engine is run_ort:
        np.testing.assert_array_equal(matrix, reference)
    else:
        sums = (feeds["a"].astype(int) - a.zero_point) @ (feeds["b"].astype(int) - b.zero_point)
        multiplier = constants["as"] * constants["bs"] / constants["ys"]
        assert_equal_but_for_ties(matrix, reference, sums, multiplier)


def reference_can_pool(window: WindowCase) -> bool:
    """Tell whether the reference evaluator has an answer.

    It has none where a dilated window misses every value, and without strides and dilations it takes the pads of one
    axis for those of the other.
    """
    pads = window.attributes["pads"]
    if window.attributes["strides"] == window.attributes["dilations"] == (1, 1) and len(set(pads)) > 1:
        return False
    reach = single(
        "max_pool", [Tensor("x", (*window.size, 1))], Tensor("y", (*window.positions, 1)), window.attributes
    )
    return not (evaluate(reach, [np.ones((*window.size, 1), np.int8)], "exact") == -128).any()


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("engine", [run_ort, run_reference], ids=["onnxruntime", "reference"])
def test_max_pool_equals_maxpool_on_int8(engine: Any, data: st.DataObject, seed: int) -> None:
    window = data.draw(windows(pad_limit=lambda kernel: kernel - 1))
    assume(engine is run_ort or reference_can_pool(window))
    values = random_int8(np.random.default_rng(seed), (*window.size, 3))
    output = Tensor("y", (*window.positions, 3))
    result = evaluate(
        single("max_pool", [Tensor("x", values.shape)], output, window.attributes), [values], "exact"
    )
    node = helper.make_node(
        "MaxPool",
        ["x"],
        ["y"],
        kernel_shape=window.attributes["kernel"],
        strides=window.attributes["strides"],
        dilations=window.attributes["dilations"],
        pads=window.attributes["pads"],
    )
    # The reference evaluator pads with NaN, which only floats can hold.
    kind = np.float32 if engine is run_reference else np.int8
    feeds = {"x": nchw(values).astype(kind)}
    np.testing.assert_array_equal(result, hwc(engine(onnx_model([node], feeds, {}, kind), feeds)))


@dataclass(frozen=True)
class WindowCase:
    size: tuple[int, int]
    positions: tuple[int, int]
    attributes: dict[str, Any]


@st.composite
def windows(draw: st.DrawFn, pad_limit: Any, dilated: bool = True) -> WindowCase:
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilations = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) if dilated else (1, 1)
    pads = draw(st.tuples(*(st.integers(0, pad_limit(kernel[axis % 2])) for axis in range(4))))
    size = draw(st.tuples(st.integers(1, 10), st.integers(1, 10)))
    positions = [
        output_size(size[a], pads[a], pads[a + 2], kernel[a], strides[a], dilations[a]) for a in (0, 1)
    ]
    assume(min(positions) >= 1)
    attributes = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads}
    return WindowCase(size, (positions[0], positions[1]), attributes)


def pooled_by_onnx_runtime(values: Array, tensor: Tensor, output: Tensor) -> Array:
    """Mean over H and W of (H, W, C) by QLinearGlobalAveragePool; returns (C,)."""
    node = helper.make_node(
        "QLinearGlobalAveragePool",
        ["x", "xs", "xz", "ys", "yz"],
        ["y"],
        domain="com.microsoft",
        channels_last=0,
    )
    constants = {
        "xs": np.float32(tensor.scale),
        "xz": np.int8(tensor.zero_point),
        "ys": np.float32(output.scale),
        "yz": np.int8(output.zero_point),
    }
    feeds = {"x": nchw(values)}
    return run_ort(onnx_model([node], feeds, constants), feeds)[0, :, 0, 0]


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_global_average_equals_qlinearglobalaveragepool(data: st.DataObject, seed: int) -> None:
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 70)))
    tensor = Tensor("x", shape, data.draw(SCALES), data.draw(ZERO_POINTS))
    scale = float(np.float32(tensor.scale * data.draw(st.sampled_from([0.05, 0.5, 1.0, 1.3]))))
    output = Tensor("y", (1, 1, shape[2]), scale, data.draw(ZERO_POINTS))
    values = random_int8(np.random.default_rng(seed), shape)
    result = evaluate(single("avg_pool", [tensor], output, {"kernel": shape[:2]}), [values], "exact")
    np.testing.assert_array_equal(result[0, 0], pooled_by_onnx_runtime(values, tensor, output))


@settings(max_examples=sample(15, 400))
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), include=st.booleans())
def test_windowed_average_equals_qlinearglobalaveragepool_of_each_window(
    data: st.DataObject, seed: int, include: bool
) -> None:
    window = data.draw(windows(pad_limit=lambda kernel: (kernel - 1) // 2, dilated=False))
    tensor = Tensor("x", (*window.size, 5), data.draw(SCALES), data.draw(ZERO_POINTS))
    scale = float(np.float32(tensor.scale * data.draw(st.sampled_from([0.4, 1.0]))))
    output = Tensor("y", (*window.positions, 5), scale, data.draw(ZERO_POINTS))
    values = random_int8(np.random.default_rng(seed), tensor.shape)
    program = single("avg_pool", [tensor], output, {**window.attributes, "count_include_pad": include})
    result = evaluate(program, [values], "exact")
    (kh, kw), (sh, sw) = window.attributes["kernel"], window.attributes["strides"]
    top, left, bottom, right = window.attributes["pads"]
    padded = np.pad(values, ((top, bottom), (left, right), (0, 0)), constant_values=tensor.zero_point)
    for h in range(window.positions[0]):
        for w in range(window.positions[1]):
            rows, columns = slice(h * sh, h * sh + kh), slice(w * sw, w * sw + kw)
            if not include:
                rows = slice(max(rows.start, top), min(rows.stop, top + window.size[0]))
                columns = slice(max(columns.start, left), min(columns.stop, left + window.size[1]))
            np.testing.assert_array_equal(
                result[h, w], pooled_by_onnx_runtime(padded[rows, columns], tensor, output)
            )


def dequantize(name: str) -> Any:
    return helper.make_node("DequantizeLinear", [name, f"{name}_s", f"{name}_z"], [f"{name}_real"])


def quantize(source: str) -> Any:
    return helper.make_node("QuantizeLinear", [source, "y_s", "y_z"], ["y"])


def parameters(*tensors: Tensor) -> dict[str, Array]:
    scales = {f"{tensor.name}_s": np.array(tensor.scale, np.float32) for tensor in tensors}
    return scales | {f"{tensor.name}_z": np.array(tensor.zero_point, np.int8) for tensor in tensors}


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("engine", [run_ort, run_reference], ids=["onnxruntime", "reference"])
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_elementwise_equals_dequantized_arithmetic(
    op: str, engine: Any, data: st.DataObject, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = (3, 5, 7)
    other = data.draw(st.sampled_from([shape, (1, 1, 7), (1, 1, 1), (3, 5, 1)]))
    a = Tensor("a", shape, data.draw(SCALES), data.draw(ZERO_POINTS))
    b = Tensor("b", other, data.draw(SCALES), data.draw(ZERO_POINTS))
    reach = a.scale * b.scale * 100 if op == "mul" else a.scale + b.scale
    output = Tensor(
        "y", shape, float(np.float32(reach * data.draw(st.floats(0.3, 1.5)))), data.draw(ZERO_POINTS)
    )
    left, right = random_int8(rng, shape), random_int8(rng, other)
    result = evaluate(single(op, [a, b], output), [left, right], "exact")
    nodes = [
        dequantize("a"),
        dequantize("b"),
        helper.make_node(op.capitalize(), ["a_real", "b_real"], ["real"]),
        quantize("real"),
    ]
    feeds = {"a": left, "b": right}
    np.testing.assert_array_equal(result, engine(onnx_model(nodes, feeds, parameters(a, b, output)), feeds))


@CASES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("engine", [run_ort, run_reference], ids=["onnxruntime", "reference"])
def test_affine_equals_dequantized_mul_and_add(engine: Any, data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (4, 4, 6)
    x = Tensor("x", shape, data.draw(SCALES), data.draw(ZERO_POINTS))
    output = Tensor("y", shape, data.draw(SCALES), data.draw(ZERO_POINTS))
    constants = {
        "multiplier": rng.normal(0, output.scale / x.scale, 6).astype(np.float32),
        "addend": rng.normal(0, output.scale * 30, 6).astype(np.float32),
    }
    values = random_int8(rng, shape)
    result = evaluate(single("affine", [x], output, {}, constants), [values], "exact")
    nodes = [
        dequantize("x"),
        helper.make_node("Mul", ["x_real", "multiplier"], ["scaled"]),
        helper.make_node("Add", ["scaled", "addend"], ["real"]),
        quantize("real"),
    ]
    model = onnx_model(nodes, {"x": values}, constants | parameters(x, output))
    np.testing.assert_array_equal(result, engine(model, {"x": values}))


@CASES
@given(x_scale=SCALES, x_zero=ZERO_POINTS, y_scale=SCALES, y_zero=ZERO_POINTS)
@pytest.mark.parametrize("engine", [run_ort, run_reference], ids=["onnxruntime", "reference"])
def test_requantize_equals_dequantize_and_quantize(
    engine: Any, x_scale: float, x_zero: int, y_scale: float, y_zero: int
) -> None:
    values = np.arange(-128, 128).astype(np.int8).reshape(1, 256, 1)
    x, y = Tensor("x", values.shape, x_scale, x_zero), Tensor("y", values.shape, y_scale, y_zero)
    result = evaluate(single("requantize", [x], y), [values], "exact")
    model = onnx_model([dequantize("x"), quantize("x_real")], {"x": values}, parameters(x, y))
    np.testing.assert_array_equal(result, engine(model, {"x": values}))
