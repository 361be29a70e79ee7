"""Tensors that move values between each other share a scale, and it covers what any of them holds."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.unit.compiler._networks import Net, data, run_float, run_quantised, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler.config import QuantizationScheme

SHAPE = (1, 64, 8, 8)
Map = tuple[str, int, int, int]
"""A value with its channels, height and width."""


def computed(draw: st.DrawFn, net: Net, source: Map) -> Map:
    """A map of fresh numbers."""
    value, channels, height, width = source
    result = net.conv(value, channels, 64, 1)
    kind = draw(st.sampled_from(["conv", "relu", "sigmoid", "silu"]))
    if kind == "relu":
        result = net.add("Relu", result)
    elif kind == "sigmoid":
        result = net.add("Sigmoid", result)
    elif kind == "silu":
        result = net.add("Mul", result, net.add("Sigmoid", result))
    return result, 64, height, width


def integers(net: Net, *numbers: int) -> list[str]:
    return [net.constant(np.array([number])) for number in numbers]


def moved(draw: st.DrawFn, net: Net, source: Map, maps: list[Map]) -> Map:  # noqa: PLR0911  one return per operator
    """A map of numbers that are there already."""
    value, channels, height, width = source
    kind = draw(
        st.sampled_from(
            ["max", "global_max", "channels", "rows", "split", "pad", "resize", "twice", "concat"]
        )
    )
    if kind == "max":
        pooled = net.add("MaxPool", value, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
        return pooled, channels, height, width
    if kind == "channels":
        start, size = draw(st.integers(0, channels // 2)), channels // 2
        return net.add("Slice", value, *integers(net, start, start + size, 1)), size, height, width
    if kind == "rows" and channels % 64 == 0 and height > 1:
        return net.add("Slice", value, *integers(net, 0, height // 2, 2)), channels, height // 2, width
    if kind == "split" and value != "x":
        net.add("Split", value, net.constant(np.array([channels // 2] * 2)), outputs=2, axis=1)
        return net.nodes[-1].output[draw(st.integers(0, 1))], channels // 2, height, width
    if kind == "pad":
        return (
            net.add("Pad", value, net.constant(np.array([0, 0, 1, 0, 0, 0, 0, 1]))),
            channels,
            height + 1,
            width + 1,
        )
    if kind == "resize" and height < 10:
        scales = net.constant(np.float32([1, 1, 2, 2]))
        larger = net.add(
            "Resize", value, "", scales, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )
        return larger, channels, 2 * height, 2 * width
    if kind == "twice" and channels < 128:
        return net.add("Concat", value, value, axis=1), 2 * channels, height, width
    if kind == "concat" and channels < 128:
        other = draw(st.sampled_from([found for found in maps if found[2:] == source[2:]]))
        return net.add("Concat", value, other[0], axis=1), channels + other[1], height, width
    return net.add("GlobalMaxPool", value), channels, 1, 1


@st.composite
def networks(draw: st.DrawFn) -> onnx.ModelProto:
    """Maps that are computed from each other or moved, some of them read by convolutions, some of them outputs."""
    net = Net(SHAPE, seed=draw(st.integers(0, 99)))
    maps: list[Map] = [("x", 64, 8, 8)]
    for _ in range(draw(st.integers(3, 8))):
        source = draw(st.sampled_from(maps))
        fresh = draw(st.integers(0, 2)) == 0
        maps.append(computed(draw, net, source) if fresh else moved(draw, net, source, maps))
    chosen = draw(st.lists(st.sampled_from(maps[1:]), min_size=1, max_size=3, unique=True))
    outputs = [
        name if draw(st.integers(0, 3)) == 0 else net.conv(name, channels, 8, 1)
        for name, channels, _, _ in chosen
    ]
    return net.model(*outputs)


def values_of(model: onnx.ModelProto, names: list[str], frame: object) -> list[object]:
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": frame}))


@settings(max_examples=sample(15, 1000), deadline=None)
@given(networks())
def test_no_value_of_the_calibration_is_clipped(model: onnx.ModelProto) -> None:
    config = CompilerConfig(quantization_scheme=QuantizationScheme.PER_TENSOR_MIN_MAX)
    frames = data(SHAPE, 2)
    program = compiler.quantize(model, iter(frames), config).program
    # A table shifts the channels of what it reads; a clamped convolution is called after its float value.
    changed = {name for node in program.nodes if node.op == "lut" for name in node.inputs}
    changed |= {name for node in model.graph.node if node.op_type == "Relu" for name in node.input}
    names = [
        name
        for node in model.graph.node
        for name in node.output
        if name in program.tensors and name not in changed
    ]
    for frame in frames if names else ():
        for name, real in zip(names, values_of(model, names, frame), strict=True):
            tensor = program.tensors[name]
            low, high = ((step - tensor.zero_point) * tensor.scale for step in (-129, 128))
            assert low <= np.min(real), name  # type: ignore[call-overload]
            assert np.max(real) <= high, name  # type: ignore[call-overload]


def pooled_twice(net: Net) -> tuple[str, str]:
    pooled = net.add("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2])
    return net.add("Concat", pooled, pooled, axis=1), net.conv("x", 64, 8)


def pooled_globally(net: Net) -> tuple[str, str]:
    x = net.conv("x", 64, 64, 1)
    x = net.add("Mul", x, net.add("Sigmoid", x))
    pooled = net.add("GlobalMaxPool", x)
    return net.add("Concat", pooled, net.conv(pooled, 64, 64, 1), axis=1), net.conv(x, 64, 8)


def sliced(net: Net) -> tuple[str, str]:
    x = net.conv("x", 64, 64, 1)
    part = net.add("Slice", x, *integers(net, 0, 32, 1))
    return net.add("Concat", part, net.conv(part, 32, 32, 1), axis=1), net.conv(x, 64, 8)


@pytest.mark.parametrize("scheme", list(QuantizationScheme))
@pytest.mark.parametrize("build", [pooled_twice, pooled_globally, sliced])
def test_who_reads_a_map_beside_the_concat_of_a_part_of_it(build: object, scheme: QuantizationScheme) -> None:
    net = Net(SHAPE)
    model = net.model(*build(net))  # type: ignore[operator]
    frames = data(SHAPE, 4)
    quantised = compiler.quantize(model, iter(frames), CompilerConfig(quantization_scheme=scheme))
    for expected, actual in zip(
        run_float(model, frames[0]), run_quantised(quantised, frames[0]), strict=True
    ):
        assert sqnr(expected, actual) > 28.0
