"""TensorInfo: the documented constructor, its two derived properties, and recipes that work with any zero point."""

import copy
import dataclasses
import numbers
import operator
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from axemu.driver import InvalidArgument, TensorInfo

WIDE = st.integers(-4000, 4000).filter(lambda value: not -128 <= value <= 127)
ANY = st.one_of(WIDE, st.integers(-128, 127))
SCALE = st.floats(2.0**-13, 10, width=32)


def test_the_constructor_is_positional_in_the_documented_order() -> None:
    info = TensorInfo((1, 230, 240, 4), np.int8, "x", [(0, 0), (3, 3), (3, 13), (0, 1)], 0.5, -3)
    assert dataclasses.astuple(info) == (
        (1, 230, 240, 4), np.int8, "x", [(0, 0), (3, 3), (3, 13), (0, 1)], 0.5, -3,
    )  # fmt: skip


def test_only_the_shape_is_required() -> None:
    info = TensorInfo((2, 3))
    assert (info.dtype, info.name, info.padding, info.scale, info.zero_point) == (np.int8, "", [], 1.0, 0)


@pytest.mark.parametrize(
    ("shape", "padding", "unpadded"),
    [
        ((1, 230, 240, 3), [(0, 0), (3, 3), (3, 13), (0, 1)], (1, 224, 224, 2)),
        ((1, 1, 1, 1024), [(0, 0), (0, 0), (0, 0), (0, 24)], (1, 1, 1, 1000)),
        ((16320,), [], (16320,)),
        ((), [], ()),
    ],
)
def test_unpadded_shape_takes_the_padding_off(
    shape: tuple[int, ...], padding: list[tuple[int, int]], unpadded: tuple[int, ...]
) -> None:
    assert TensorInfo(shape, padding=padding).unpadded_shape == unpadded


def test_size_counts_bytes_of_the_padded_buffer() -> None:
    assert TensorInfo((1, 224, 224, 4)).size == 200704
    assert TensorInfo((2, 3), np.float32).size == 24


def test_padding_elements_are_hashable_however_they_were_given() -> None:
    info = TensorInfo((4, 4), padding=[[0, 1], np.array([1, 0])])
    assert hash(tuple(info.padding)) == hash(((0, 1), (1, 0)))
    assert info.padding == [(0, 1), (1, 0)]


def test_equal_infos_hash_alike_and_travel_through_pickle() -> None:
    info = TensorInfo((4, 4), padding=[(0, 1), (1, 0)], zero_point=-130)
    assert pickle.loads(pickle.dumps(info)) == info  # noqa: S301  our own bytes
    assert hash(copy.deepcopy(info)) == hash(info)


@pytest.mark.parametrize(
    ("shape", "padding", "message"),
    [
        ((4, -1), [], "negative dimension"),
        ((4, 4), [(0, 1)], "1 pairs for 2 dimensions"),
        ((4, 4), [(0, 0), (-1, 0)], "axis 1"),
        ((4, 4), [(3, 2), (0, 0)], "axis 0"),
    ],
)
def test_impossible_shapes_and_paddings_are_refused(
    shape: tuple[int, ...], padding: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        TensorInfo(shape, name="x", padding=padding)


def test_a_zero_point_within_int8_is_a_plain_int() -> None:
    assert {type(TensorInfo((1,), zero_point=value).zero_point) for value in (-128, 0, 127)} == {int}


@given(zero_point=WIDE)
def test_a_wide_zero_point_behaves_as_the_integer_it_is(zero_point: int) -> None:
    value = TensorInfo((1,), zero_point=zero_point).zero_point
    assert value == zero_point
    assert zero_point == value
    assert (int(value), float(value), str(value), f"{value:d}") == (
        zero_point, float(zero_point), str(zero_point), str(zero_point),
    )  # fmt: skip
    assert hash(value) == hash(zero_point)
    assert (value < zero_point + 1, value > zero_point - 1, value <= zero_point, value != zero_point) == (
        True, True, True, False,
    )  # fmt: skip
    assert (value + 1, 1 + value, value - 1, 1 - value, value * 2, 2 * value) == (
        zero_point + 1, 1 + zero_point, zero_point - 1, 1 - zero_point, zero_point * 2, 2 * zero_point,
    )  # fmt: skip
    assert (-value, +value, abs(value), value / 2, 2.0 / value) == (
        -zero_point, zero_point, abs(zero_point), zero_point / 2, 2.0 / zero_point,
    )  # fmt: skip
    assert operator.index(value) == zero_point
    assert isinstance(value, int)
    assert isinstance(value, numbers.Integral)
    assert pickle.loads(pickle.dumps([value]))[0] + 0 == zero_point  # noqa: S301
    assert copy.copy(value) - zero_point == 0


@pytest.mark.parametrize(
    "operate",
    [
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.and_,
        operator.or_, operator.xor, lambda a, b: round(a) + b, lambda a, b: ~a + b, lambda a, b: divmod(int(a), int(b)),
    ],
)  # fmt: skip
@given(zero_point=WIDE, other=st.integers(1, 500))
def test_a_wide_zero_point_computes_as_the_integer_it_is(operate: Any, zero_point: int, other: int) -> None:
    value = TensorInfo((1,), zero_point=zero_point).zero_point
    assert operate(value, other) == operate(zero_point, other)
    assert operate(other, value) == operate(other, zero_point)
    assert (value << 3, value >> 2, value**2, 2 << abs(value) % 8) == (
        zero_point << 3, zero_point >> 2, zero_point**2, 2 << abs(zero_point) % 8,
    )  # fmt: skip
    assert (value.bit_length(), value.real) == (zero_point.bit_length(), zero_point)


@given(zero_point=ANY, q=hnp.arrays(np.int8, (1, 2, 3)))
def test_the_padding_recipe_pads_with_the_nearest_code_of_zero(zero_point: int, q: np.ndarray) -> None:
    info = TensorInfo((1, 4, 4), padding=[(0, 0), (1, 1), (0, 1)], zero_point=zero_point)
    padded = np.pad(q, info.padding, constant_values=info.zero_point)
    assert padded.dtype == np.int8
    assert np.array_equal(padded[:, 1:-1, :-1], q)
    assert set(padded[:, 0].ravel()) | set(padded[:, :, -1].ravel()) == {min(max(zero_point, -128), 127)}


@given(zero_point=ANY, scale=SCALE, x=hnp.arrays(np.float32, 5, elements=st.floats(-50, 50, width=32)))
def test_the_quantisation_recipe_uses_the_true_zero_point(
    zero_point: int, scale: float, x: np.ndarray
) -> None:
    info = TensorInfo((5,), scale=scale, zero_point=zero_point)
    codes = np.round(x / info.scale + info.zero_point)
    assert codes.dtype == np.float32
    assert np.array_equal(codes, np.round(x / scale + np.float32(zero_point)))


@given(zero_point=WIDE, scale=SCALE, q=hnp.arrays(np.int8, 5))
def test_the_dequantisation_recipe_uses_the_true_zero_point(
    zero_point: int, scale: float, q: np.ndarray
) -> None:
    info = TensorInfo((5,), scale=scale, zero_point=zero_point)
    expected = (q.astype(np.int64) - zero_point) * scale
    assert np.array_equal((q - info.zero_point) * info.scale, expected)
    assert np.allclose((q.astype(np.float32) - info.zero_point) * info.scale, expected, rtol=1e-6, atol=0)


@given(zero_point=WIDE)
def test_a_wide_zero_point_saturates_only_where_int8_is_asked_for(zero_point: int) -> None:
    value = TensorInfo((1,), zero_point=zero_point).zero_point
    assert np.asarray(value, np.int8) == min(max(zero_point, -128), 127)
    assert np.asarray(value, np.int32) == zero_point
    assert np.array([value, 5], np.float32).tolist() == [zero_point, 5]
    assert np.array([value, 5]).tolist() == [zero_point, 5]


def test_numpy_refuses_a_wide_plain_int_which_is_why_there_is_a_class_for_it() -> None:
    with pytest.raises(OverflowError):
        np.pad(np.zeros(3, np.int8), 1, constant_values=-130)
