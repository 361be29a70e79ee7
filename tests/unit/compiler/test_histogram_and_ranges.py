"""Calibration statistics: order doesn't matter, nothing is lost, ranges have the least error."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from axelera.compiler import CalibrationError
from axelera.compiler.quantisation import Histogram
from axelera.compiler.quantisation._ranges import least_error, min_max, quantisation_of

VALUES = st.sampled_from([1e6, 2.0**59]).flatmap(
    lambda most: npst.arrays(np.float32, st.integers(1, 40), elements=st.floats(-most, most, width=32))
)


def counted(*arrays: np.ndarray) -> Histogram:
    histogram = Histogram()
    for array in arrays:
        histogram.add(array)
    return histogram


@given(st.lists(VALUES, min_size=2, max_size=4))
def test_any_order_and_any_grouping_gives_the_same_histogram(arrays: list[np.ndarray]) -> None:
    first = counted(*arrays)
    parts = [counted(array) for array in arrays]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merged(part)
    for other in (counted(*reversed(arrays)), counted(np.concatenate(arrays)), merged):
        assert (first.exponent, first.first, first.minimum, first.maximum) == (
            other.exponent, other.first, other.minimum, other.maximum
        )  # fmt: skip
        np.testing.assert_array_equal(first.counts, other.counts)
    assert first.total == sum(len(array) for array in arrays)


@pytest.mark.parametrize("value", [0.0, 1.0, -(2.0**23), 2.0**59, 1e-30])
def test_a_constant_is_counted_where_it_lies(value: float) -> None:
    histogram = counted(np.full(5, value, np.float32))
    assert histogram.total == 5
    np.testing.assert_array_equal(histogram.centres(), [np.float32(value)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_values_that_are_not_finite_name_their_tensor(bad: float) -> None:
    with pytest.raises(CalibrationError, match="'conv_7'"):
        Histogram().add(np.array([0.0, bad], np.float32), "conv_7")


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_zero_is_a_step_and_the_range_is_covered(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    quantisation = quantisation_of(low, high)
    assert -128 <= quantisation.zero_point <= 127
    scale = quantisation.scale
    assert (-128 - quantisation.zero_point) * scale <= min(low, 0.0) + scale
    assert (127 - quantisation.zero_point) * scale >= max(high, 0.0) - scale


def error(values: np.ndarray, scale: float, zero_point: int) -> float:
    steps = np.clip(np.rint(values / scale) + zero_point, -128, 127)
    return float(np.mean(((steps - zero_point) * scale - values) ** 2))


def test_heavy_tails_are_clipped_only_when_that_lowers_the_error() -> None:
    generator = np.random.default_rng(0)
    tailed = np.concatenate([generator.standard_normal(1_000_000), [30.0]]).astype(np.float32)
    best, whole = least_error(counted(tailed)), min_max(counted(tailed))
    assert best.scale < 0.7 * whole.scale
    assert error(tailed, best.scale, best.zero_point) < error(tailed, whole.scale, whole.zero_point)
    uniform = generator.random(200_000).astype(np.float32)
    assert least_error(counted(uniform)).scale == pytest.approx(min_max(counted(uniform)).scale, rel=0.01)


def test_range_in_front_of_a_table_ignores_what_the_table_ignores() -> None:
    values = np.linspace(-100.0, 4.0, 100_001, dtype=np.float32)
    through = least_error(counted(values), lambda x: np.maximum(x, 0.0))
    assert through.scale == pytest.approx(4.0 / 255, rel=0.05)
    assert through.zero_point == -128


def test_tensor_that_is_always_zero_gets_a_usable_scale() -> None:
    for histogram, choose in itertools.product(
        [Histogram(), counted(np.zeros(5, np.float32))], [min_max, least_error]
    ):
        assert choose(histogram).scale > 0.0
