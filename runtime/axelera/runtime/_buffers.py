"""From what users pass to `run` to flat int8 buffers, and back."""

from __future__ import annotations

import itertools
import logging
import mmap
import operator
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo, copy_flat
from axemu.host import pad, quantise

Int8Array = npt.NDArray[np.int8]

_log = logging.getLogger("axelera.runtime")
_INT8 = np.dtype(np.int8)
_FLOAT32 = np.dtype(np.float32)


class InputSlot:
    """One input of an instance: takes what the user passed into a private buffer.

    Without `copies`, what lies behind a descriptor is left to the driver.
    """

    __slots__ = ("_copies", "_dmabuf", "_info", "_said", "_size", "_where")

    def __init__(
        self, model: str, index: int, info: TensorInfo, *, dmabuf: bool, copies: bool = True
    ) -> None:
        self._info = info
        self._copies = copies
        self._size = info.size
        self._dmabuf = dmabuf
        self._where = f"{model}: input {index} ({info.name})"
        self._said = False

    def take(self, value: Any, into: Int8Array) -> int | None:
        """Copy `value` into the flat buffer `into`; return its file descriptor if it is one.

        Raises:
            InvalidArgument: wrong type, dtype, size or memory layout.
        """
        if self._dmabuf:
            with _mapped(value, self._size, self._where, writable=False) as memory:
                if self._copies:
                    memory.read(into)
            return int(value)
        if not isinstance(value, np.ndarray):
            raise _not_an_array(self._where, value, "input_dmabuf")
        if value.dtype == _INT8 and value.nbytes == self._size and value.flags.c_contiguous:
            copy_flat(_flat(value), into)
        elif value.dtype == _FLOAT32 and value.shape == self._info.unpadded_shape:
            into[:] = self._quantised(value).reshape(-1)
        else:
            hint = ""
            if value.dtype == _FLOAT32:
                hint = f" (an input may be float32 of its unpadded shape {self._info.unpadded_shape})"
            _refuse(value, self._info, self._where, hint)
        return None

    def _quantised(self, value: npt.NDArray[np.float32]) -> Int8Array:
        if not self._said:
            self._said = True
            _log.warning(
                "%s: float32 of unpadded shape %s given; it is quantised and padded on the host at every call "
                "(scale %g, zero point %s). Pass int8 of shape %s to avoid that.",
                self._where,
                value.shape,
                self._info.scale,
                self._info.zero_point,
                self._info.shape,
            )
        return pad(quantise(value, self._info, self._where), self._info)


class OutputSlot:
    """One output of an instance: checks where results go before a frame, writes them after it.

    Without `copies`, what lies behind a descriptor is left to the driver.
    """

    __slots__ = ("_copies", "_dmabuf", "_info", "_size", "where")

    def __init__(
        self, model: str, index: int, info: TensorInfo, *, dmabuf: bool, copies: bool = True
    ) -> None:
        self._info = info
        self._copies = copies
        self._size = info.size
        self._dmabuf = dmabuf
        self.where = f"{model}: output {index} ({info.name})"

    def check(self, value: Any) -> int | None:
        """Refuse what cannot take the result; return its file descriptor if it is one.

        Raises:
            InvalidArgument: wrong type, dtype, size or memory layout, or not writable.
        """
        if self._dmabuf:
            with _mapped(value, self._size, self.where, writable=True):
                return int(value)
        if not isinstance(value, np.ndarray):
            raise _not_an_array(self.where, value, "output_dmabuf")
        if value.dtype != _INT8 or value.nbytes != self._size or not value.flags.c_contiguous:
            _refuse(value, self._info, self.where)
        if not value.flags.writeable:
            raise InvalidArgument(f"{self.where}: the array is read-only; give a writable one")
        return None

    def write(self, value: Any, result: Int8Array) -> None:
        """Copy the flat `result` into what `check` accepted."""
        if not self._dmabuf:
            copy_flat(result, _flat(value))
        elif self._copies:
            with _mapped(value, self._size, self.where, writable=True) as memory:
                memory.write(result)


def check_apart(slots: Sequence[OutputSlot], values: Sequence[Any]) -> None:
    """Refuse outputs that would overwrite each other.

    Raises:
        InvalidArgument: two of `values`, each accepted by its slot, share memory.
    """
    distinct = len(set(map(id, values))) == len(values)
    if distinct and all(isinstance(value, np.ndarray) and value.flags.owndata for value in values):
        return  # the usual case; comparing pairs takes longer
    given = zip(slots, values, strict=True)
    for (first, one), (second, other) in itertools.combinations(given, 2):
        shared = (
            np.may_share_memory(one, other)
            if isinstance(one, np.ndarray)
            else _same_memory(int(one), int(other))
        )
        if shared:
            raise InvalidArgument(
                f"{second.where}: shares memory with {first.where}; give every output a buffer of its own"
            )


def _same_memory(one: int, other: int) -> bool:
    """Tell whether two file descriptors, which may be duplicates, lead to the same memory."""
    try:
        same = os.path.samestat(os.fstat(one), os.fstat(other))
    except OSError:  # closed since; who maps it will say so
        return one == other
    if one == other or not same:
        return one == other
    try:
        # Before Linux 5.3 all dma-bufs had one inode in common.
        return not str(Path(f"/proc/self/fd/{one}").readlink()).startswith("anon_inode:")
    except OSError:  # no Linux, so no dma-bufs
        return True


def _flat(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the elements themselves: subclasses of arrays may keep some from being read or written."""
    return np.asarray(value).reshape(-1)


def _refuse(value: npt.NDArray[Any], info: TensorInfo, where: str, hint: str = "") -> NoReturn:
    expected = f"expected {info.size} B of C-contiguous int8, shape {info.shape} or flat"
    if value.dtype != _INT8:
        raise InvalidArgument(f"{where}: {value.dtype} of shape {value.shape}; {expected}{hint}")
    if value.nbytes != info.size:
        raise InvalidArgument(f"{where}: shape {value.shape} has {value.nbytes} B; {expected}")
    raise InvalidArgument(f"{where}: the array is not C-contiguous; {expected}: use np.ascontiguousarray")


def _not_an_array(where: str, value: Any, option: str) -> InvalidArgument:
    hint = f"; file descriptors need the instance loaded with {option}=1" if isinstance(value, int) else ""
    return InvalidArgument(f"{where}: is a {type(value).__name__}; expected a NumPy array of int8{hint}")


class _mapped:  # noqa: N801  used like a function
    """The first `size` bytes behind a file descriptor, mapped while the block runs.

    A file is mapped to see whether it can be, but read and written by calls: somebody may cut it off meanwhile, which
    ends the process that touches a mapping.
    """

    __slots__ = ("_descriptor", "_is_file", "_memory", "_size", "_where")

    def __init__(self, value: Any, size: int, where: str, *, writable: bool) -> None:
        descriptor = _descriptor(value, where)
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        memory = None
        try:
            available = _size_behind(descriptor)
            if available >= size:
                memory = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=access)
        except (OSError, OverflowError, ValueError) as error:
            wanted = "read and written" if writable else "read"
            raise InvalidArgument(
                f"{where}: descriptor {descriptor} cannot be mapped to be {wanted}: {error}"
            ) from error
        if memory is None:
            raise InvalidArgument(
                f"{where}: descriptor {descriptor} has {available} B behind it, {size} B are needed"
            )
        self._memory, self._size, self._where = memory, size, where
        self._descriptor, self._is_file = descriptor, stat.S_ISREG(os.fstat(descriptor).st_mode)

    def read(self, into: Int8Array) -> None:
        """Copy the bytes into a flat buffer of as many."""
        if not self._is_file:
            into[:] = np.frombuffer(self._memory, np.int8, self._size)
            return
        done = 0
        while done < self._size:
            count = os.preadv(self._descriptor, [into[done:].data], done)
            if not count:
                raise InvalidArgument(
                    f"{self._where}: descriptor {self._descriptor} was cut off to {done} B, {self._size} B are needed"
                )
            done += count

    def write(self, result: Int8Array) -> None:
        """Copy a flat buffer of as many bytes there."""
        if not self._is_file:
            np.frombuffer(self._memory, np.int8, self._size)[:] = result
            return
        done = 0
        while done < self._size:
            try:
                done += os.pwritev(self._descriptor, [result[done:].data], done)
            except OSError as error:
                raise InvalidArgument(
                    f"{self._where}: descriptor {self._descriptor} cannot be written: {error}"
                ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # An array may still point here while an error travels; its own end unmaps then.
        try:
            self._memory.close()
        except BufferError:
            return


def _descriptor(value: Any, where: str) -> int:
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise InvalidArgument(
        f"{where}: is a {type(value).__name__}; expected an int, since the instance was loaded to take file descriptors"
    )


def _size_behind(descriptor: int) -> int:
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    return os.lseek(descriptor, 0, os.SEEK_END)  # the one way to ask a dma-buf; it has no position to disturb
