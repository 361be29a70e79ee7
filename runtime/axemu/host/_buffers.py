"""The documented recipes between real values and the int8 buffers of a board."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo

Float32Array = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]
LARGE_PLANE = 1 << 16
"""Pixels from which a plane is woven into NHWC by itself: NumPy's copy loops over the innermost axis, the channels, which are
few where planes are large."""


def quantise(real: npt.NDArray[np.floating], info: TensorInfo, where: str = "") -> Int8Array:
    """Return the codes `real / scale + zero_point`, rounded half to even and saturated, int8 of the same shape.

    Args:
        real: real values, any shape.
        info: the tensor they are for; only its scale and zero point matter.
        where: what messages call the tensor; its own name by default.

    Raises:
        InvalidArgument: a value is NaN, which has no code.
    """
    return _codes(real, info, where).astype(np.int8)


def _codes(real: npt.NDArray[np.floating], info: TensorInfo, where: str) -> Float32Array:
    """Return the codes as float32.

    Of few steps, and in place: NumPy gives the interpreter away in each of them and has to get it back, which threads
    with a frame each pay for more dearly than for the arithmetic.
    """
    with np.errstate(over="ignore"):  # what is too large for float32 saturates like infinity
        codes = np.asarray(np.asarray(real, np.float32) / np.float32(info.scale))
        codes += np.float32(info.zero_point)
    np.rint(codes, out=codes)
    np.clip(codes, -128, 127, out=codes)
    if np.isnan(codes.min(initial=0)):
        raise InvalidArgument(
            f"{where or f'tensor {info.name!r}'}: holds NaN, which int8 cannot represent; replace it before"
        )
    return codes


def dequantise(codes: Int8Array, info: TensorInfo) -> Float32Array:
    """Return the real values `(codes - zero_point) * scale`, float32 of the same shape."""
    return _real(codes.astype(np.float32), info)


def _real(codes: Float32Array, info: TensorInfo) -> Float32Array:
    """Replace codes by their values."""
    codes -= np.float32(info.zero_point)
    codes *= np.float32(info.scale)
    return codes


def pad(codes: Int8Array, info: TensorInfo) -> Int8Array:
    """Return a buffer of shape `info.shape`: `codes` with the code of zero around them.

    Args:
        codes: int8 of shape `info.unpadded_shape`.
        info: the tensor. Where int8 cannot hold its zero point, the nearest code pads.

    Raises:
        InvalidArgument: `codes` has another shape.
    """
    if codes.shape != info.unpadded_shape:
        raise InvalidArgument(
            f"tensor {info.name!r}: codes of shape {codes.shape}, expected {info.unpadded_shape} (NHWC without padding)"
        )
    buffer = _surround(info)
    depad(buffer, info)[...] = codes
    return buffer


def _surround(info: TensorInfo) -> Int8Array:
    """Return a buffer of shape `info.shape`, its padding filled with the code of zero."""
    if not any(map(any, info.padding)):
        return np.empty(info.shape, np.int8)
    return np.full(info.shape, min(max(info.zero_point, -128), 127), np.int8)


def depad(buffer: Int8Array, info: TensorInfo) -> Int8Array:
    """Return what `pad` put padding around: a view of shape `info.unpadded_shape`.

    Args:
        buffer: int8 of shape `info.shape`, or flat.
        info: the tensor.

    Raises:
        InvalidArgument: `buffer` has another size.
    """
    if buffer.size != info.size:
        raise InvalidArgument(
            f"tensor {info.name!r}: a buffer of {buffer.size} elements, expected {info.size}: shape {info.shape} or flat"
        )
    whole = buffer.reshape(info.shape)
    return whole[tuple(slice(before, -after or None) for before, after in info.padding)]


def to_buffer(real: npt.NDArray[np.floating], info: TensorInfo, where: str = "") -> Int8Array:
    """Return the padded int8 NHWC buffer of real NCHW values; `from_buffer` is the way back.

    Args:
        real: values in any shape that has as many elements as the tensor, in the order of NCHW.
        info: the tensor, NHWC; of another rank than 4 nothing is transposed.
        where: what messages call the tensor; its own name by default.

    Raises:
        InvalidArgument: another number of elements, or NaN.
    """
    logical = nchw(info)
    values = np.asarray(real, np.float32)
    if values.size != math.prod(logical):
        raise InvalidArgument(
            f"{where or f'tensor {info.name!r}'}: values of shape {values.shape}, expected {logical}"
        )
    codes = _codes(values.reshape(logical), info, where)
    buffer = _surround(info)
    inner = depad(buffer, info)
    if len(logical) == 4:
        inner = inner.transpose(0, 3, 1, 2)
    if len(logical) == 4 and logical[2] * logical[3] >= LARGE_PLANE:
        for plane in range(logical[1]):
            np.copyto(inner[:, plane], codes[:, plane], casting="unsafe")
    else:
        np.copyto(inner, codes, casting="unsafe")
    return buffer


def from_buffer(buffer: Int8Array, info: TensorInfo) -> Float32Array:
    """Return the real values of a padded int8 NHWC buffer, float32 NCHW without padding.

    Raises:
        InvalidArgument: `buffer` has another size.
    """
    codes = depad(buffer, info)
    if codes.ndim == 4:
        codes = codes.transpose(0, 3, 1, 2)
    return _real(codes.astype(np.float32, order="C"), info)


def nchw(info: TensorInfo) -> tuple[int, ...]:
    """Return the shape of a tensor without padding, the channels behind the batch."""
    shape = info.unpadded_shape
    return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
