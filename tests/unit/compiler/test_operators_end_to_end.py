"""Each operator of the matrix, float against int8: the quantised network stays close to ONNX Runtime's float result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.unit.compiler._networks import Net, data, run_float, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig

SHAPE = (1, 3, 16, 16)


def convolution(net: Net) -> str:
    return net.conv("x", 3, 8, pads=[1, 1, 1, 1])


def strided(net: Net) -> str:
    return net.conv("x", 3, 8, strides=[2, 2], pads=[0, 0, 1, 1])


def dilated(net: Net) -> str:
    return net.conv(net.conv("x", 3, 8), 8, 8, dilations=[2, 2], pads=[2, 2, 2, 2])


def depthwise(net: Net) -> str:
    return net.conv(net.add("Relu", net.conv("x", 3, 16)), 16, 16, group=16, pads=[1, 1, 1, 1])


def grouped(net: Net) -> str:
    return net.conv(net.add("Relu", net.conv("x", 3, 16)), 16, 8, group=4)


def transposed(net: Net) -> str:
    weight = net.constant(net.random.standard_normal((8, 4, 2, 2)).astype(np.float32) / 4)
    return net.add("ConvTranspose", net.conv("x", 3, 8), weight, kernel_shape=[2, 2], strides=[2, 2])


def residual(net: Net) -> str:
    first = net.add("Relu", net.conv("x", 3, 8, pads=[1, 1, 1, 1]))
    return net.add("Relu", net.add("Add", net.conv(first, 8, 8, pads=[1, 1, 1, 1]), first))


def squeeze_excite(net: Net) -> str:
    x = net.conv("x", 3, 8)
    gate = net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", x), 8, 8, kernel=1))
    return net.add("Mul", x, gate)


def max_pool(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def max_pool_ceil(net: Net) -> str:
    return net.add("MaxPool", net.conv("x", 3, 8), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)


def average_pool(net: Net) -> str:
    return net.add("AveragePool", net.conv("x", 3, 8), kernel_shape=[2, 2], strides=[2, 2])


def average_pool_padded(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.add("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)


def global_max(net: Net) -> str:
    return net.add("GlobalMaxPool", net.conv("x", 3, 8))


def concat_channels(net: Net) -> str:
    x = net.add("Relu", net.conv("x", 3, 8, pads=[1, 1, 1, 1]))
    return net.conv(net.add("Concat", x, net.conv(x, 8, 8, pads=[1, 1, 1, 1]), axis=1), 16, 8)


def concat_rows(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.conv(net.add("Concat", x, net.add("Relu", x), axis=2), 8, 8)


def split_and_slice(net: Net) -> str:
    x = net.conv("x", 3, 8)
    net.add("Split", x, net.constant(np.array([4, 4])), outputs=2, axis=1)
    first = net.nodes[-1].output[0]
    sliced = net.add("Slice", x, *(net.constant(np.array([n])) for n in (0, 8, 1, 2)))
    return net.conv(net.add("Concat", first, sliced, net.nodes[-2].output[1], axis=1), 12, 8)


def dense(net: Net) -> str:
    x = net.add("Flatten", net.add("MaxPool", net.conv("x", 3, 8), kernel_shape=[2, 2], strides=[2, 2]))
    weight = net.constant(net.random.standard_normal((392, 10)).astype(np.float32) / 20)
    return net.add("Gemm", x, weight, net.constant(np.ones(10, np.float32)))


def batch_norm(net: Net) -> str:
    x = net.add("Relu", net.conv("x", 3, 8))
    vectors = [net.constant(np.abs(net.random.standard_normal(8)).astype(np.float32) + 0.5) for _ in range(4)]
    return net.conv(net.add("Relu", net.add("BatchNormalization", x, *vectors)), 8, 8)


def padded(net: Net) -> str:
    x = net.conv("x", 3, 8)
    amounts = net.constant(np.array([0, 0, 1, 2, 0, 0, 2, 1]))
    return net.add("MaxPool", net.add("Pad", x, amounts), kernel_shape=[3, 3])


def resize(mode: str) -> Callable[[Net], str]:
    def build(net: Net) -> str:
        x = net.conv("x", 3, 8)
        scales = net.constant(np.array([1, 1, 2, 2], np.float32))
        kind = (
            {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            if mode == "nearest"
            else {"coordinate_transformation_mode": "half_pixel"}
        )
        return net.conv(net.add("Resize", x, "", scales, mode=mode, **kind), 8, 4)

    return build


def sub_constant(net: Net) -> str:
    shift = net.constant(np.full((1, 3, 1, 1), 0.3, np.float32))
    return net.conv(net.add("Sub", "x", shift), 3, 8)


def activation(op: str, **attributes: object) -> Callable[[Net], str]:
    def build(net: Net) -> str:
        return net.conv(net.add(op, net.conv("x", 3, 8), **attributes), 8, 8)

    return build


def prelu(net: Net) -> str:
    slopes = net.constant(np.linspace(-0.5, 0.9, 8, dtype=np.float32).reshape(8, 1, 1))
    return net.conv(net.add("PRelu", net.conv("x", 3, 8), slopes), 8, 8)


def relu6(net: Net) -> str:
    bounds = [net.constant(np.float32(v)) for v in (0, 6)]
    return net.conv(net.add("Clip", net.conv("x", 3, 16), *bounds), 16, 16, group=16)


def silu(net: Net) -> str:
    x = net.conv("x", 3, 8)
    return net.conv(net.add("Mul", x, net.add("Sigmoid", x)), 8, 8)


BUILDERS = {
    builder.__name__: builder
    for builder in (
        convolution, strided, dilated, depthwise, grouped, transposed, residual, squeeze_excite, max_pool,
        max_pool_ceil, average_pool, average_pool_padded, global_max, concat_channels, concat_rows, split_and_slice,
        dense, batch_norm, padded, sub_constant, prelu, relu6, silu,
    )
} | {
    "resize_nearest": resize("nearest"),
    "resize_linear": resize("linear"),
    "leaky_relu": activation("LeakyRelu", alpha=0.2),
    "hard_swish": activation("HardSwish"),
    "hard_sigmoid": activation("HardSigmoid", alpha=1 / 6, beta=0.5),
    "sigmoid": activation("Sigmoid"),
    "tanh": activation("Tanh"),
    "selu": activation("Selu"),
}  # fmt: skip


@pytest.mark.parametrize(
    "scheme",
    [
        "per_tensor_histogram",
        pytest.param("per_tensor_min_max", marks=pytest.mark.full),
        pytest.param("hybrid_per_tensor_per_channel", marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("name", BUILDERS)
def test_quantised_operator_stays_close_to_float(name: str, scheme: str) -> None:
    net = Net(SHAPE)
    model = net.model(BUILDERS[name](net))
    quantised = compiler.quantize(model, iter(data(SHAPE, 12)), CompilerConfig(quantization_scheme=scheme))
    samples = data(SHAPE, 3, seed=9)
    expected = np.concatenate([run_float(model, sample)[0] for sample in samples])
    actual = quantised(np.concatenate(samples))
    assert actual.shape == expected.shape
    assert sqnr(expected, actual) > 24.0


def test_quantizing_channel_wise_before_a_depthwise_operator_brings_small_channels_closer_to_float() -> None:
    net = Net(SHAPE)
    channels, spread = 16, np.geomspace(1e-3, 1, 16, dtype=np.float32)
    uneven = net.constant(
        net.random.standard_normal((channels, 3, 1, 1)).astype(np.float32) * spread.reshape(-1, 1, 1, 1)
    )
    hidden = net.add("Relu", net.add("Conv", "x", uneven, kernel_shape=[1, 1]))
    even = net.constant(
        net.random.standard_normal((channels, 1, 3, 3)).astype(np.float32) / spread.reshape(-1, 1, 1, 1)
    )
    model = net.model(net.add("Conv", hidden, even, kernel_shape=[3, 3], group=channels))
    expected = np.concatenate([run_float(model, sample)[0] for sample in data(SHAPE, 3, seed=9)])
    plain, channel_wise = (
        sqnr(
            expected,
            compiler.quantize(
                model,
                iter(data(SHAPE, 12)),
                CompilerConfig(quantization_scheme="per_tensor_min_max", quantize_dw_channel_wise=which),
            )(np.concatenate(data(SHAPE, 3, seed=9))),
        )
        for which in (False, True)
    )
    assert channel_wise > plain + 10


@pytest.mark.parametrize("name", BUILDERS)
def test_structure_only_program_has_the_nodes_of_the_compiled_one(name: str) -> None:
    net = Net(SHAPE)
    model = net.model(BUILDERS[name](net))
    quantised = compiler.quantize(model, iter(data(SHAPE, 2)), CompilerConfig()).program
    structure = compiler.structure_program(model)
    assert [(n.op, n.name, n.inputs, n.output) for n in structure.nodes] == [
        (n.op, n.name, n.inputs, n.output) for n in quantised.nodes
    ]
    assert {n: t.shape for n, t in structure.tensors.items()} == {
        n: t.shape for n, t in quantised.tensors.items()
    }
    assert not structure.constants
