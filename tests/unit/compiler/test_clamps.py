"""Clamps that are fused into a convolution stay where they were when channels are scaled and shifted behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from tests._sizes import FULL
from tests.unit.compiler._networks import Net, data, run_float, run_quantised, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler.config import QuantizationScheme
from axemu.model import ops

pytestmark = pytest.mark.slow

SHAPE = (1, 3, 8, 8)
LEAST = 28.0
"""8 bits give about 40 dB; four roundings and uneven channels take some."""
UNEVEN = np.float32([0.05, 0.1, 0.5, 1, 2, 3, 0.02, 1]).reshape(1, 8, 1, 1)

Activation = Callable[[Net, str], str]


def plain(op: str, **attributes: float) -> Activation:
    return lambda net, x: net.add(op, x, **attributes)


def clip(low: float | None, high: float | None) -> Activation:
    return lambda net, x: net.add(
        "Clip", x, *("" if bound is None else net.constant(np.float32(bound)) for bound in (low, high))
    )


def prelu(net: Net, x: str) -> str:
    return net.add("PRelu", x, net.constant(np.linspace(-0.5, 0.9, 8, dtype=np.float32).reshape(8, 1, 1)))


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": plain("Relu"),
    "relu6": clip(0, 6),
    "clip": clip(-1, 1),
    "sigmoid": plain("Sigmoid"),
    "tanh": plain("Tanh"),
    "leaky_relu": plain("LeakyRelu", alpha=0.1),
    "hard_swish": plain("HardSwish"),
    "hard_sigmoid": plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    "selu": plain("Selu"),
    "silu": lambda net, x: net.add("Mul", x, net.add("Sigmoid", x)),
    "mish": lambda net, x: net.add("Mul", x, net.add("Tanh", net.add("Softplus", x))),
    "prelu": prelu,
}
CLAMPS = ("relu", "relu6", "clip")
SCHEMES = list(QuantizationScheme)
QUICK = ["per_tensor_histogram", "hybrid_per_tensor_per_channel"]


def convolution(net: Net) -> str:
    return net.conv("x", 3, 8, pads=[1, 1, 1, 1])


def check(net: Net, outputs: Mapping[str, str], scheme: QuantizationScheme, *, validate: bool = True) -> None:
    """Every output is close to the float network's, in both numerics."""
    model = net.model(*outputs.values())
    frames = data(SHAPE, 6)
    config = CompilerConfig(quantization_scheme=scheme, validate_operators=validate)
    quantised = compiler.quantize(model, iter(frames), config)
    expected = run_float(model, frames[0])
    numerics: ops.Numerics
    for numerics in ("metis", "exact"):
        found = {
            name: round(sqnr(real, result), 1)
            for name, real, result in zip(
                outputs, expected, run_quantised(quantised, frames[0], numerics=numerics), strict=True
            )
        }
        assert min(found.values()) > LEAST, (numerics, found)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "first", [name if name in CLAMPS else pytest.param(name, marks=pytest.mark.full) for name in ACTIVATIONS]
)
def test_every_activation_behind_an_activation(first: str, scheme: QuantizationScheme) -> None:
    net = Net(SHAPE)
    outputs = {}
    for second, activation in ACTIVATIONS.items():
        outputs[second] = net.conv(activation(net, ACTIVATIONS[first](net, convolution(net))), 8, 8)
    check(net, outputs, scheme)


BOUNDS = [(0.5, 3), (None, 2), (-3, -0.5), (-1, 6), (-6, 1), (-0.2, None), (0, 6), (-1, 1), (0, 0.3)]


@pytest.mark.parametrize("scheme", SCHEMES if FULL else QUICK)
@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_any_clip_of_uneven_channels(
    low: float | None, high: float | None, scheme: QuantizationScheme
) -> None:
    net = Net(SHAPE)

    def clipped() -> str:
        return clip(low, high)(net, net.add("Mul", convolution(net), net.constant(UNEVEN)))

    outputs = {
        "sigmoid": net.add("Sigmoid", clipped()),
        "prelu": prelu(net, clipped()),
        "pool": net.conv(net.add("MaxPool", clipped(), kernel_shape=[2, 2]), 8, 8, group=8),
        "conv": net.conv(clipped(), 8, 8),
        "depthwise": net.conv(clipped(), 8, 8, group=8),
    }
    check(net, outputs, scheme, validate=False)
