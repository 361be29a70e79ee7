"""Constants that a program stores: scales, tables and activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.driver import InvalidArgument
from axemu.model.ops import (
    FUNCTIONS,
    PointwiseFunction,
    conv_constants,
    lut_table,
    quantise_weights,
    softmax_constants,
    weight_scales,
)

REFERENCES: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "erf": math.erf,
    "exp": math.exp,
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "hard_sigmoid": lambda x: min(1.0, max(0.0, x / 5 + 0.5)),
    "hard_swish": lambda x: x * min(6.0, max(0.0, x + 3)) / 6,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanh": math.tanh,
}


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"log"}))
@given(x=st.floats(-30, 30))
def test_activation_functions_follow_their_definitions(name: str, x: float) -> None:
    assert FUNCTIONS[name](x) == pytest.approx(REFERENCES[name](x), rel=1e-7, abs=1e-12)


@given(x=st.floats(1e-300, 1e300))
def test_log_follows_the_math_library(x: float) -> None:
    assert FUNCTIONS["log"](x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("x", [-1e9, -900.0, 900.0, 1e9])
def test_activation_functions_survive_huge_arguments(x: float) -> None:
    for name, function in FUNCTIONS.items():
        assert not math.isnan(function(x)), name


@given(x=st.floats(-700, 700))
def test_exp_is_within_half_a_unit_of_the_last_place(x: float) -> None:
    """Correct rounding: never further from the math library than that library's own error of one unit."""
    assert abs(FUNCTIONS["exp"](x) - math.exp(x)) <= math.ulp(math.exp(x))


@given(
    st.sampled_from(["sigmoid", "silu", "gelu", "tanh", "hard_swish"]),
    st.floats(2.0**-8, 0.25, width=32),
    st.integers(-128, 127),
    st.floats(2.0**-8, 0.25, width=32),
    st.integers(-128, 127),
)
def test_a_lookup_table_is_the_rounded_real_function(name: str, s: float, z: int, t: float, y: int) -> None:
    table = lut_table(FUNCTIONS[name], s, z, t, y)
    for q in (-128, -1, 0, 1, 127):
        wanted = min(127.0, max(-128.0, REFERENCES[name]((q - z) * s) / t + y))
        assert abs(int(table[q + 128]) - wanted) <= 0.5 + 1e-9


def test_a_lookup_table_saturates_at_its_bounds() -> None:
    table = lut_table(FUNCTIONS["exp"], 1.0, 0, 1.0, -128, low=-100, high=90)
    assert (int(table.min()), int(table.max())) == (-100, 90)


def test_a_function_with_other_parameters_has_a_table_of_its_own() -> None:
    table = lut_table(FUNCTIONS["leaky_relu"].having(alpha=0.5), 1.0, 0, 1.0, 0)
    assert table[128 - 100] == -50


def test_an_undefined_value_in_a_table_is_refused() -> None:
    root = PointwiseFunction("root", lambda _, x: np.sqrt(x))
    with pytest.raises(InvalidArgument, match=r"'root' of a lookup table is undefined at -128\.0"):
        lut_table(root, 1.0, 0, 1.0, 0)


@given(st.floats(2.0**-20, 8, width=32))
def test_the_exponential_table_falls_from_two_to_the_30(scale: float) -> None:
    table = softmax_constants(scale)["exp_table"]
    assert table[0] == 2**30
    assert (np.diff(table.astype(np.int64)) <= 0).all()
    d = 17
    assert abs(int(table[d]) - 2**30 * math.exp(-d * float(np.float32(scale)))) <= 0.51


@given(st.integers(0, 2**32 - 1), st.floats(2.0**-20, 8, width=32))
def test_quantised_weights_stay_within_half_a_step(seed: int, size: float) -> None:
    weight = np.random.default_rng(seed).normal(0, size, (4, 3, 3, 2))
    scales = weight_scales(weight, None, 0.1)
    quantised = quantise_weights(weight, scales)
    assert np.abs(quantised).max(axis=(1, 2, 3)).tolist() == [127] * 4
    error = np.abs(quantised * scales.astype(float)[:, None, None, None] - weight)
    assert (error <= 0.5001 * scales[:, None, None, None]).all()


def test_a_channel_without_weights_keeps_its_bias() -> None:
    """max|w| / 127 would be zero and the bias infinite."""
    weight = np.zeros((3, 1, 1, 2))
    weight[1] = 1e-12
    bias = np.array([0.75, -2.0, 0.0])
    scales = weight_scales(weight, bias, 0.02)
    constants = conv_constants(quantise_weights(weight, scales), scales, bias, 0.02, 0, 0.1)
    real = constants["bias_i32"] * 0.02 * scales.astype(float)
    np.testing.assert_allclose(real, bias, rtol=1e-6)
    assert np.isfinite(constants["bias_f18"]).all()


def test_an_accumulator_that_could_leave_int32_is_refused() -> None:
    weight = np.full((2, 1, 1, 131071), 127, np.int8)
    with pytest.raises(InvalidArgument, match=r"output channel 0 can reach .* int32"):
        conv_constants(weight, [0.1, 0.1], None, 0.1, -128, 1.0)


@pytest.mark.parametrize(
    ("in_scale", "out_scale"), [(0.0, 1.0), (1.0, -1.0), (math.nan, 1.0), (1.0, math.inf)]
)
def test_bad_scales_are_refused(in_scale: float, out_scale: float) -> None:
    with pytest.raises(InvalidArgument, match="positive and finite"):
        conv_constants(np.ones((1, 1, 1, 1), np.int8), [1.0], None, in_scale, 0, out_scale)


def test_constants_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"'bias' has shape \(2,\), expected \(1,\)"):
        conv_constants(np.ones((1, 1, 1, 1), np.int8), [1.0], [1.0, 2.0], 1.0, 0, 1.0)
