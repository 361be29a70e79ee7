"""Files that change under a frame."""

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axelera.runtime._buffers import InputSlot, OutputSlot, check_apart
from axemu.driver import InvalidArgument, TensorInfo


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
