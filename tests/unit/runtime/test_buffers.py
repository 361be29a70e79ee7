"""The recipe by which float32 inputs become codes, against its closed form; files that change under a frame."""

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from axelera.runtime._buffers import InputSlot, OutputSlot, check_apart, quantise
from axemu.driver import InvalidArgument, TensorInfo

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


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
    codes = quantise(value, info, "x")
    away_from_ties = np.abs(np.abs(exact - np.trunc(exact)) - 0.5) > 1e-4
    expected = np.clip(np.rint(exact), -128, 127)
    assert np.array_equal(codes[away_from_ties], expected[away_from_ties])


@given(value=hnp.arrays(np.float32, (1, 2, 3, 1), elements=FINITE), zero_point=st.integers(-300, 300))
def test_padding_holds_the_code_of_zero(value: np.ndarray, zero_point: int) -> None:
    info = TensorInfo((1, 4, 5, 4), padding=[(0, 0), (1, 1), (0, 2), (0, 3)], zero_point=zero_point)
    padded = quantise(value, info, "x")
    inner = TensorInfo((1, 2, 3, 1), zero_point=zero_point)
    assert padded.shape == info.shape
    assert np.array_equal(padded[:, 1:3, :3, :1], quantise(value, inner, "x"))
    (zero,) = quantise(np.zeros(1, np.float32), TensorInfo((1,), zero_point=zero_point), "x")
    outside = np.ones(info.shape, bool)
    outside[:, 1:3, :3, :1] = False
    assert set(padded[outside].tolist()) == {int(zero)}


def test_not_a_number_names_the_tensor() -> None:
    with pytest.raises(InvalidArgument, match=r"net: input 0 \(x\): holds NaN"):
        quantise(np.array([np.nan], np.float32), TensorInfo((1,)), "net: input 0 (x)")


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("memory")
    os.truncate(descriptor, 16)
    yield descriptor
    os.close(descriptor)


SLOTS = [OutputSlot("net", index, TensorInfo((16,)), dmabuf=True) for index in range(2)]


@pytest.mark.parametrize("again", [int, os.dup, lambda file: os.open(f"/proc/self/fd/{file}", os.O_RDWR)])
def test_two_outputs_may_not_be_the_same_memory_however_it_is_opened(
    again: Callable[[int], int], memory: int
) -> None:
    other = again(memory)
    with pytest.raises(InvalidArgument, match=r"output 1 .* shares memory with net: output 0"):
        check_apart(SLOTS, [memory, other])
    if other != memory:
        os.close(other)


def test_a_file_that_is_opened_twice_is_one_memory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(16))
    with (
        file.open("r+b") as one,
        file.open("r+b") as other,
        pytest.raises(InvalidArgument, match="shares memory"),
    ):
        check_apart(SLOTS, [one.fileno(), other.fileno()])


def test_buffers_of_their_own_are_apart(memory: int) -> None:
    other = os.memfd_create("other")
    check_apart(SLOTS, [memory, other])
    os.close(other)


def test_files_that_are_cut_off_meanwhile_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Touching what is mapped behind the end of a file would end the process."""
    info = TensorInfo((1, 100, 100, 64), name="x")
    path = tmp_path / "frame"
    path.write_bytes(bytes(info.size))
    descriptor = os.open(path, os.O_RDWR)
    mapped = mmap.mmap

    def map_and_cut_off(*arguments: Any, **options: Any) -> mmap.mmap:
        memory = mapped(*arguments, **options)
        os.truncate(path, 4096)
        return memory

    monkeypatch.setattr(mmap, "mmap", map_and_cut_off)
    with pytest.raises(InvalidArgument, match=r"input 0 \(x\): descriptor \d+ was cut off to 4096 B"):
        InputSlot("m", 0, info, dmabuf=True).take(descriptor, np.zeros(info.size, np.int8))
    os.truncate(path, info.size)
    result = np.full(info.size, 7, np.int8)
    OutputSlot("m", 0, info, dmabuf=True).write(descriptor, result)
    assert path.read_bytes() == result.tobytes()
    os.close(descriptor)
