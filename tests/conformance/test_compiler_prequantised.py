"""Models quantised by ONNX Runtime are taken as they are: the same integers come out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tests._onnxruntime import integer_options
from tests.unit.compiler._networks import Net, data, run_float

from axelera import compiler
from axelera.compiler import CalibrationError, CompilerConfig, ConfigurationError
from axemu.emulator import compute

SHAPE = (1, 3, 12, 12)
LOWER = CompilerConfig(compiler_mode="lower_only")


def convolutions(net: Net) -> str:
    x = net.add("Relu", net.conv("x", 3, 8, pads=[1, 1, 1, 1]))
    x = net.add("MaxPool", net.conv(x, 8, 8, group=8, pads=[1, 1, 1, 1]), kernel_shape=[2, 2], strides=[2, 2])
    return net.conv(x, 8, 5)


def residual(net: Net) -> str:
    x = net.add("Relu", net.conv("x", 3, 8, pads=[1, 1, 1, 1]))
    return net.add("Add", x, net.conv(x, 8, 8, pads=[1, 1, 1, 1]))


def concatenation(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.conv(net.add("Concat", net.add("Relu", x), net.conv(x, 8, 4, kernel=1), axis=1), 12, 4)


def dense(net: Net) -> str:
    x = net.add("Flatten", net.add("GlobalAveragePool", net.add("Relu", net.conv("x", 3, 8))))
    for inputs, outputs, turned in ((8, 16, 1), (16, 16, 0), (16, 5, 0)):
        shape = (outputs, inputs) if turned else (inputs, outputs)
        weight = net.random.standard_normal(shape) * net.random.uniform(
            0.1, 1, (outputs, 1) if turned else outputs
        )
        bias = net.constant(net.random.standard_normal(outputs).astype(np.float32))
        x = net.add("Gemm", x, net.constant(weight.astype(np.float32)), bias, transB=turned)
    return net.add("MatMul", x, net.constant(net.random.standard_normal((5, 5)).astype(np.float32)))


def quantised_by_onnxruntime(
    tmp_path: Path, build: Callable[[Net], str], form: str, activation: str, per_channel: bool
) -> Path:
    quantization = pytest.importorskip("onnxruntime.quantization")
    net = Net(SHAPE)
    onnx.save(net.model(build(net)), tmp_path / "float.onnx")

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.samples = iter([{"x": sample} for sample in data(SHAPE, 6)])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.samples, None)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantization.quantize_static(
            tmp_path / "float.onnx",
            tmp_path / "int8.onnx",
            Reader(),
            quant_format=quantization.QuantFormat[form],
            activation_type=quantization.QuantType[activation],
            weight_type=quantization.QuantType.QInt8,
            per_channel=per_channel,
        )
    return tmp_path / "int8.onnx"


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activation", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize("build", [convolutions, residual, concatenation, dense])
def test_the_integers_of_onnxruntime_are_reproduced(
    tmp_path: Path, build: Callable[[Net], str], form: str, activation: str, per_channel: bool
) -> None:
    path = quantised_by_onnxruntime(tmp_path, build, form, activation, per_channel)
    model = compiler.quantize(path, None, LOWER)
    options = integer_options(unsigned=activation == "QUInt8")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if form == "QOperator":
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    exact = compute.load(model.program, numerics="exact").instance()
    port, scale = model.outputs[0], model.outputs[0].scale
    for sample in data(SHAPE, 4, seed=5):
        output = np.empty(port.info().shape, np.int8)
        exact.run([model.inputs[0].quantise(sample).reshape(-1)], [output.reshape(-1)])
        wanted = session.run(None, {"x": sample})[0].reshape(port.nchw)
        steps = np.rint((port.dequantise(output) - wanted) / scale)
        # The float operators between Q and DQ round once more or less than integers do: never beyond one step.
        assert np.abs(steps).max() <= 1
        assert np.mean(steps != 0) < 0.02


def test_weights_and_scales_are_those_of_the_file(tmp_path: Path) -> None:
    path = quantised_by_onnxruntime(tmp_path, convolutions, "QDQ", "QInt8", per_channel=True)
    program = compiler.quantize(path, None, LOWER).program
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    weights = [value for value in stored.values() if value.dtype == np.int8 and value.ndim == 4]
    ours = [program.constant(node, "weight") for node in program.nodes if node.op == "conv"]
    for weight in weights:
        assert any(np.array_equal(np.moveaxis(weight, 1, -1), candidate) for candidate in ours)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("turned", [False, True])
def test_a_network_that_takes_and_returns_integers_does_so_here(kind: type, turned: bool) -> None:
    net = Net((1, 12, 12, 3) if turned else SHAPE)

    def steps(scale: float) -> tuple[str, str]:
        return net.constant(np.float32(scale)), net.constant(kind(0 if kind is np.int8 else 128))

    first, second = steps(0.02), steps(0.05)
    x = net.add("Transpose", "x", perm=[0, 3, 1, 2]) if turned else "x"
    x = net.conv(net.add("DequantizeLinear", x, *first), 3, 8)
    x = net.add("DequantizeLinear", net.add("QuantizeLinear", x, *second), *second)
    model = net.model(net.add("QuantizeLinear", net.conv(x, 8, 4), *second))
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    model.graph.input[0].type.tensor_type.elem_type = element
    model.graph.output[0].type.tensor_type.elem_type = element
    del model.graph.value_info[:]
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    frames = [np.random.default_rng(i).integers(low, high, net.shape, kind, endpoint=True) for i in range(4)]
    quantised = compiler.quantize(model, iter(frames), CompilerConfig())
    result, expected = quantised(frames[0]), run_float(model, frames[0])[0]
    assert result.dtype == expected.dtype == kind
    assert np.abs(result.astype(int) - expected).max() <= 3  # the weights are quantised here


def quantised_dense(axis: int, scales: int, inputs: int = 6) -> onnx.ModelProto:
    net = Net((1, inputs))
    scale = net.constant(net.random.uniform(0.01, 0.1, scales).astype(np.float32))
    zero = net.constant(np.zeros(scales, np.int8))
    weight = net.constant(net.random.integers(-127, 128, (inputs, 6), dtype=np.int8))
    return net.model(net.add("Gemm", "x", net.add("DequantizeLinear", weight, scale, zero, axis=axis)))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (quantised_dense(axis=0, scales=6), "another axis"),
        (quantised_dense(axis=0, scales=8, inputs=8), "another axis"),
        (quantised_dense(axis=1, scales=5), "5 scales along axis 1"),
    ],
    ids=["square", "oblong", "contradiction"],
)
def test_scales_that_are_not_of_the_output_channels_are_refused(network: onnx.ModelProto, words: str) -> None:
    samples = data([dim.dim_value for dim in network.graph.input[0].type.tensor_type.shape.dim], 3)
    with pytest.raises(compiler.ModelError, match=words):
        compiler.quantize(network, iter(samples), LOWER)


@pytest.mark.parametrize("between", [[], ["Identity"], ["Dropout"], ["Identity", "Identity"]], ids=str)
def test_a_value_that_is_quantised_in_two_ways_is_refused(between: list[str]) -> None:
    """What lies between and changes nothing is dropped later, and one of the quantisations would be with it."""
    net = Net(SHAPE)
    zero = net.constant(np.int8(0))

    def pair(value: str, step: float) -> str:
        scale = net.constant(np.float32(step))
        return net.add("DequantizeLinear", net.add("QuantizeLinear", value, scale, zero), scale, zero)

    weight = net.constant(np.ones((4, 3, 1, 1), np.int8))
    weight = net.add("DequantizeLinear", weight, net.constant(np.float32(0.01)), zero)
    value = pair(net.add("Conv", pair("x", 0.05), weight), 0.31)
    for kind in between:
        value = net.add(kind, value)
    with pytest.raises(compiler.ModelError, match="quantised in two ways"):
        compiler.quantize(net.model(pair(value, 0.02)), iter(data(SHAPE, 2)), LOWER)


def test_an_identity_around_integers_changes_nothing(tmp_path: Path) -> None:
    path = quantised_by_onnxruntime(tmp_path, convolutions, "QDQ", "QInt8", per_channel=True)
    plain, wrapped = onnx.load(path), onnx.load(path)
    for node in list(wrapped.graph.node):
        if node.op_type == "QuantizeLinear":
            inner = f"{node.output[0]}/inner"
            wrapped.graph.node.insert(
                list(wrapped.graph.node).index(node) + 1,
                onnx.helper.make_node("Identity", [inner], [node.output[0]]),
            )
            node.output[0] = inner
    frames = data(SHAPE, 3)
    one, other = (compiler.quantize(model, iter(frames), LOWER).program for model in (plain, wrapped))
    assert one.constants.keys() == other.constants.keys()
    assert all(np.array_equal(one.constants[name], other.constants[name]) for name in one.constants)


def test_a_float_model_is_not_lowered_only(tmp_path: Path) -> None:
    net = Net(SHAPE)
    with pytest.raises(ConfigurationError, match="quantize_and_lower"):
        compiler.quantize(net.model(net.conv("x", 3, 4)), None, LOWER)


def test_values_without_scales_are_listed(tmp_path: Path) -> None:
    net = Net(SHAPE)
    scale, zero = net.constant(np.float32(0.05)), net.constant(np.int8(3))
    x = net.add("DequantizeLinear", net.add("QuantizeLinear", "x", scale, zero), scale, zero)
    model = net.model(net.conv(x, 3, 4))
    with pytest.raises(CalibrationError, match="Conv_2"):
        compiler.quantize(model, None, LOWER)
    assert compiler.quantize(model, iter(data(SHAPE, 3)), LOWER).inputs[0].zero_point == 3
