"""The vendor compiler's reference arithmetic: constants from exact fractions, ties, negatives, sums above 2**24."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.conformance._numerics import Array, evaluate, single
from tests.conformance._numerics_scalar import Quant, conv_element, f18, f32, round_bits

from axemu.model.ops import conv_constants, quantise_weights, round_f18, weight_scales
from axemu.model.program import Tensor

CASES = settings(max_examples=sample(200, 4000))
NORMAL = st.floats(2.0**-100, 2.0**100, width=32)
SCALES = st.floats(2.0**-12, 4.0, width=32)


@CASES
@given(NORMAL, st.booleans())
def test_f18_keeps_eleven_significant_bits(value: float, negative: bool) -> None:
    signed = -value if negative else value
    assert Fraction(float(round_f18(signed))) == f18(signed)


@CASES
@given(st.integers(2**10, 2**11 - 1), st.integers(-60, 60), st.sampled_from([-1, 0, 1]), st.booleans())
def test_f18_sends_ties_to_even_and_their_neighbours_to_the_nearer(
    mantissa: int, exponent: int, side: int, negative: bool
) -> None:
    """Halfway between two neighbours of 11 bits, and one float32 step to either side of that."""
    bits = 13
    exact = (Fraction(mantissa * 2**bits + 2 ** (bits - 1) + side) * Fraction(2) ** exponent) * (
        -1
    ) ** negative
    expected = mantissa + 1 if side > 0 or (side == 0 and mantissa % 2) else mantissa
    rounded = Fraction(float(round_f18(float(exact))))
    assert rounded == Fraction(expected) * Fraction(2) ** (bits + exponent) * (-1) ** negative


def test_f18_keeps_zeros_and_leaves_thirteen_low_bits_empty() -> None:
    values = np.random.default_rng(0).normal(0, 1e6, 10000).astype(np.float32)
    assert not (round_f18(values).view(np.uint32) & 0x1FFF).any()
    assert np.signbit(round_f18([0.0, -0.0])).tolist() == [False, True]


@CASES
@given(in_scale=SCALES, zero_point=st.integers(-300, 300), seed=st.integers(0, 2**32 - 1), out_scale=SCALES)
def test_constants_follow_from_exact_fractions(
    in_scale: float, zero_point: int, seed: int, out_scale: float
) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, rng.choice([1e-3, 1.0, 30.0]), (3, 2, 3, 5)).astype(np.float32)
    bias = rng.normal(0, 3, 3).astype(np.float32)
    scales = weight_scales(weight, None, in_scale)
    quantised = quantise_weights(weight, scales)
    constants = conv_constants(quantised, scales, bias, in_scale, zero_point, out_scale)
    for o in range(3):
        channel = [Fraction(float(w)) for w in weight[o].ravel()]
        step = f32(max(map(abs, channel)) / 127)
        assert Fraction(float(scales[o])) == step
        assert quantised[o].ravel().tolist() == [max(-127, min(127, round(w / step))) for w in channel]
        product = f32(Fraction(in_scale) * step)
        total = sum(quantised[o].ravel().tolist())
        assert Fraction(float(constants["scale_f18"][o])) == f18(product)
        assert Fraction(float(constants["bias_f18"][o])) == f18(Fraction(float(bias[o])) / product)
        assert Fraction(float(constants["offset_f18"][o])) == f18(zero_point * total)
        assert Fraction(float(constants["multiplier"][o])) == f32(product / Fraction(out_scale))
        assert constants["bias_i32"][o] == round(Fraction(float(bias[o])) / (Fraction(in_scale) * step))


@CASES
@given(in_scale=SCALES, weight_scale=SCALES, bias=st.floats(-10, 10, width=32))
def test_constants_stay_within_one_step_of_the_documented_single_rounding(
    in_scale: float, weight_scale: float, bias: float
) -> None:
    """float32 comes between the exact value and its 11 bits; that can only turn a tie."""
    assume(abs(bias) > 2.0**-20)
    weight = np.ones((1, 1, 1, 1), np.int8)
    constants = conv_constants(weight, [weight_scale], [bias], in_scale, 0, 1.0)
    exact_scale = Fraction(in_scale) * Fraction(weight_scale)
    for role, exact in (("scale_f18", exact_scale), ("bias_f18", Fraction(bias) / exact_scale)):
        once = round_bits(exact, 11)
        if Fraction(float(constants[role][0])) != once:
            assert abs(exact - once) > Fraction(1, 2) * abs(exact) * Fraction(1, 2**11) * Fraction(999, 1000)


def pairs_summing_to(total: int) -> list[tuple[int, int]]:
    """(weight, value) pairs whose products sum to `total`."""
    sign, size = (-1 if total < 0 else 1), abs(total)
    pairs = [(127, 127 * sign)] * (size // 127**2)
    rest = size % 127**2
    pairs += [(127, rest // 127 * sign), (rest % 127, sign)]
    assert sum(w * q for w, q in pairs) == total
    return pairs


def run_dot(pairs: list[tuple[int, int]], bias: float, x: Tensor, y: Tensor, weight_scale: float) -> int:
    weight: Array = np.array([w for w, _ in pairs], np.int8).reshape(1, 1, 1, -1)
    values: Array = np.array([q for _, q in pairs], np.int8).reshape(1, 1, -1)
    constants = conv_constants(weight, [weight_scale], [bias], x.scale, x.zero_point, y.scale)
    x = Tensor(x.name, values.shape, x.scale, x.zero_point)
    return int(evaluate(single("conv", [x], y, {"kernel": (1, 1)}, constants), [values], "metis").item())


ACCUMULATORS = st.one_of(
    st.integers(-(2**26), 2**26),
    st.builds(
        # A tie of the rounding to 11 bits, or next to one, at every size.
        lambda mantissa, shift, side, sign: sign * ((2 * mantissa + 1) * 2**shift + side),
        st.integers(2**10, 2**11 - 1),
        st.integers(0, 13),
        st.integers(-2, 2),
        st.sampled_from([-1, 1]),
    ),
)


@settings(max_examples=sample(120, 3000))
@given(
    total=ACCUMULATORS,
    bias=st.one_of(st.just(0.0), st.floats(-5, 5, width=32)),
    in_zero_point=st.sampled_from([-128, -130, 0, 3, 127]),
    target=st.integers(-120, 120),
    out_zero_point=st.sampled_from([-128, -7, 0, 127]),
)
@example(total=2**24 + 1, bias=0.0, in_zero_point=0, target=100, out_zero_point=0)
@example(total=-(2**25 + 2**14 + 1), bias=0.0, in_zero_point=0, target=-100, out_zero_point=0)
@example(total=2**25 + 2**14 + 1, bias=0.0, in_zero_point=-128, target=100, out_zero_point=-7)
def test_convolution_equals_the_documented_steps_in_fractions(
    total: int, bias: float, in_zero_point: int, target: int, out_zero_point: int
) -> None:
    """The output scale is chosen so that the result lands near `target`, inside the range of int8."""
    pairs = pairs_summing_to(total)
    x = Tensor("x", (1, 1, 1), 0.0123, in_zero_point)
    weight_scale = 0.0045
    channel = [w for w, _ in pairs]
    real = float(f32(x.scale) * f32(weight_scale)) * (total - in_zero_point * sum(channel)) + bias
    wanted = abs(real) / max(1, abs(target - out_zero_point))
    y = Tensor("y", (1, 1, 1), float(np.float32(min(max(wanted, 1e-6), 1e6))), out_zero_point)
    expected = conv_element("metis", pairs, channel, weight_scale, bias, Quant.of(x), Quant.of(y))
    assert run_dot(pairs, bias, x, y, weight_scale) == expected


def test_an_accumulator_above_two_to_the_24_is_rounded_to_float32_first() -> None:
    """2**25 + 2**14 + 1 loses its last bit in float32; the tie that is left goes down, one rounding would go up."""
    total = 2**25 + 2**14 + 1
    assert f18(total) == 2**25
    assert round_bits(Fraction(total), 11) == 2**25 + 2**15
    # Steps of 2**15 with one unit of offset: 2**25 is exactly 1024 steps, which -1024 of zero point brings to 0.
    x, y = Tensor("x", (1, 1, 1), 1.0, 0), Tensor("y", (1, 1, 1), float(2**15), -1024)
    assert run_dot(pairs_summing_to(total), 0.0, x, y, 1.0) == 0
    assert run_dot(pairs_summing_to(total + 1), 0.0, x, y, 1.0) == 0
    assert run_dot(pairs_summing_to(total + 3), 0.0, x, y, 1.0) == 1


@pytest.mark.parametrize(
    ("total", "expected"), [(2049, 0), (2050, 2), (2051, 4), (-2049, 0), (-2050, -2), (-2051, -4)]
)
def test_an_accumulator_of_twelve_bits_loses_its_last(total: int, expected: int) -> None:
    zero_point = -2048 if total > 0 else 2048
    x, y = Tensor("x", (1, 1, 1), 1.0, 0), Tensor("y", (1, 1, 1), 1.0, zero_point)
    assert run_dot(pairs_summing_to(total), 0.0, x, y, 1.0) == expected


@pytest.mark.parametrize(("value", "expected"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (7, 4), (-5, -2)])
def test_results_halfway_go_to_the_even_integer(value: int, expected: int) -> None:
    x, y = Tensor("x", (1, 1, 1), 1.0, 0), Tensor("y", (1, 1, 1), 2.0, 0)
    assert run_dot(pairs_summing_to(value), 0.0, x, y, 1.0) == expected


def test_the_zero_point_is_added_before_rounding() -> None:
    """1/2 with zero point 1 rounds 1.5 up to 2; rounding first would give 0 + 1."""
    x, y = Tensor("x", (1, 1, 1), 1.0, 0), Tensor("y", (1, 1, 1), 2.0, 1)
    assert run_dot(pairs_summing_to(1), 0.0, x, y, 1.0) == 2


def test_padding_holds_the_input_zero_point() -> None:
    """A window half in the padding of a tensor that is zero everywhere gives exactly the bias."""
    weight = np.array([[[[5], [7], [-100]]] * 3], np.int8).reshape(1, 3, 3, 1)
    constants = conv_constants(weight, [0.5], [12.0], 0.25, -128, 1.0)
    x, y = Tensor("x", (4, 4, 1), 0.25, -128), Tensor("y", (4, 4, 1), 1.0, 3)
    program = single("conv", [x], y, {"kernel": (3, 3), "pads": (1, 1, 1, 1)}, constants)
    result = evaluate(program, [np.full((4, 4, 1), -128, np.int8)], "metis")
    assert (result == 15).all()
