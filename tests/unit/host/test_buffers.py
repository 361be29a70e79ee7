"""The documented recipes, against their closed forms and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from axemu.driver import InvalidArgument, TensorInfo
from axemu.host import depad, dequantise, from_buffer, pad, quantise, to_buffer

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)
MARGIN = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def tensors(draw: st.DrawFn, zero_points: tuple[int, int] = (-300, 300)) -> TensorInfo:
    """Draw a padded NHWC tensor of any size up to 4 x 4 x 4."""
    padding = [(0, 0), *(draw(MARGIN) for _ in range(3))]
    inner = (draw(st.integers(1, 2)), *(draw(st.integers(1, 4)) for _ in range(3)))
    shape = tuple(size + sum(pair) for size, pair in zip(inner, padding, strict=True))
    scale = draw(st.floats(2.0**-12, 2.0**8))
    return TensorInfo(shape, padding=padding, scale=scale, zero_point=draw(st.integers(*zero_points)))


def codes_of(info: TensorInfo) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.int8, info.unpadded_shape)


@given(
    value=hnp.arrays(np.float32, (1, 3, 2, 3), elements=FINITE),
    exponent=st.integers(-12, 4),
    zero_point=st.integers(-300, 300),
)
def test_codes_are_rounded_half_to_even_and_saturated(
    value: np.ndarray, exponent: int, zero_point: int
) -> None:
    """With a power of two for a scale float32 is exact up to 2^24, where the code has long saturated."""
    info = TensorInfo((1, 3, 2, 3), scale=2.0**exponent, zero_point=zero_point)
    exact = value.astype(np.float64) / 2.0**exponent + zero_point
    codes = quantise(value, info)
    away_from_ties = np.abs(np.abs(exact - np.trunc(exact)) - 0.5) > 1e-4
    expected = np.clip(np.rint(exact), -128, 127)
    assert np.array_equal(codes[away_from_ties], expected[away_from_ties])


@given(st.data(), tensors())
def test_depad_undoes_pad(data: st.DataObject, info: TensorInfo) -> None:
    codes = data.draw(codes_of(info))
    buffer = pad(codes, info)
    assert buffer.shape == info.shape
    assert np.array_equal(depad(buffer, info), codes)
    assert np.array_equal(depad(buffer.reshape(-1), info), codes)


@given(st.data(), tensors())
def test_padding_holds_the_code_of_zero(data: st.DataObject, info: TensorInfo) -> None:
    buffer = pad(data.draw(codes_of(info)), info)
    depad(buffer, info)[:] = quantise(np.zeros(1, np.float32), info)
    assert set(buffer.reshape(-1).tolist()) == {min(max(int(info.zero_point), -128), 127)}


@given(st.data(), tensors())
def test_what_a_code_stands_for_quantises_to_that_code(data: st.DataObject, info: TensorInfo) -> None:
    codes = data.draw(codes_of(info))
    assert np.array_equal(quantise(dequantise(codes, info), info), codes)


@given(st.data(), tensors((-128, 127)))
def test_within_the_range_of_a_tensor_an_error_is_at_most_half_a_step(
    data: st.DataObject, info: TensorInfo
) -> None:
    """Float32 computes in steps of 2^-24 of the largest intermediate value, which is below 256 codes."""
    low, high = ((edge - int(info.zero_point)) * info.scale for edge in (-128, 127))
    unit = data.draw(hnp.arrays(np.float64, info.unpadded_shape, elements=st.floats(0, 1)))
    real = (low + unit * (high - low)).astype(np.float32)
    error = np.abs(dequantise(quantise(real, info), info).astype(np.float64) - real)
    assert error.max() <= info.scale * (0.5 + 256 * 2.0**-22)


@given(st.data(), tensors())
def test_a_buffer_turns_into_nchw_and_back(data: st.DataObject, info: TensorInfo) -> None:
    buffer = pad(data.draw(codes_of(info)), info)
    real = from_buffer(buffer, info)
    count, height, width, channels = info.unpadded_shape
    assert real.shape == (count, channels, height, width)
    assert real[0, -1, 0, -1] == dequantise(depad(buffer, info), info)[0, 0, -1, -1]
    assert np.array_equal(to_buffer(real, info), buffer)
    assert np.array_equal(to_buffer(real.reshape(-1), info), buffer)


@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (1, 7, 4, 70), (1, 256, 257, 3), (1, 256, 256, 1)])
@pytest.mark.parametrize("zero_point", [-128, 7, 200])
def test_buffers_are_what_the_documented_numpy_recipe_makes(shape: tuple[int, ...], zero_point: int) -> None:
    """Bit for bit: `np.pad(clip(round(x / scale + zero_point)))` of NHWC, and `(q - zero_point) * scale` back."""
    padding = [(0, 0), (3, 1), (0, 2), (0, 5)]
    padded = tuple(size + sum(pair) for size, pair in zip(shape, padding, strict=True))
    info = TensorInfo(padded, padding=padding, scale=0.0173, zero_point=zero_point)
    count, height, width, channels = shape
    real = np.random.default_rng(0).normal(0, 3, (count, channels, height, width)).astype(np.float32)
    codes = np.clip(np.round(real.transpose(0, 2, 3, 1) / info.scale + zero_point), -128, 127).astype(np.int8)
    expected = np.pad(codes, padding, constant_values=min(zero_point, 127))
    buffer = to_buffer(real, info)
    assert buffer.flags.c_contiguous
    np.testing.assert_array_equal(buffer, expected)
    back = from_buffer(expected, info)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(
        back, ((codes.astype(np.float32) - zero_point) * np.float32(info.scale)).transpose(0, 3, 1, 2)
    )


def test_tensors_of_other_ranks_keep_their_order() -> None:
    info = TensorInfo((2, 3), scale=0.5)
    real = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(from_buffer(to_buffer(real, info), info), real)


def test_not_a_number_names_the_tensor() -> None:
    with pytest.raises(InvalidArgument, match=r"net: input 0 \(x\): holds NaN"):
        quantise(np.array([math.nan], np.float32), TensorInfo((1,)), "net: input 0 (x)")
    with pytest.raises(InvalidArgument, match="tensor 'image': holds NaN"):
        to_buffer(np.array([math.nan], np.float32), TensorInfo((1,), name="image"))


@pytest.mark.parametrize("convert", [pad, depad, to_buffer, from_buffer])
def test_other_sizes_are_refused_with_the_size_that_is_expected(convert: object) -> None:
    info = TensorInfo((1, 4, 4, 4), name="image", padding=[(0, 0), (1, 1), (1, 1), (0, 1)])
    with pytest.raises(
        InvalidArgument, match=r"tensor 'image': .* expected (\(1, 2, 2, 3\)|\(1, 3, 2, 2\)|64)"
    ):
        convert(np.zeros((1, 4, 4, 3), np.int8), info)
