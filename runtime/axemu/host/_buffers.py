"""The documented recipes between real values and the int8 buffers of a board."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo

Float32Array = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]


def quantise(real: npt.NDArray[np.floating], info: TensorInfo, where: str = "") -> Int8Array:
    """Return the codes `real / scale + zero_point`, rounded half to even and saturated, int8 of the same shape.

    Args:
        real: real values, any shape.
        info: the tensor they are for; only its scale and zero point matter.
        where: what messages call the tensor; its own name by default.

    Raises:
        InvalidArgument: a value is NaN, which has no code.
    """
    with np.errstate(over="ignore"):  # what is too large for float32 saturates like infinity
        codes = np.round(np.asarray(real, np.float32) / info.scale + info.zero_point)
    if np.isnan(codes).any():
        raise InvalidArgument(
            f"{where or f'tensor {info.name!r}'}: holds NaN, which int8 cannot represent; replace it before"
        )
    return np.clip(codes, -128, 127).astype(np.int8)


def dequantise(codes: Int8Array, info: TensorInfo) -> Float32Array:
    """Return the real values `(codes - zero_point) * scale`, float32 of the same shape."""
    return np.asarray((codes.astype(np.float32) - info.zero_point) * np.float32(info.scale), np.float32)


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
    if not info.padding:
        return np.ascontiguousarray(codes)
    return np.pad(codes, info.padding, constant_values=info.zero_point)


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
    if values.size != np.prod(logical):
        raise InvalidArgument(
            f"{where or f'tensor {info.name!r}'}: values of shape {values.shape}, expected {logical}"
        )
    values = values.reshape(logical)
    if len(logical) == 4:
        values = values.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pad(quantise(values, info, where), info))


def from_buffer(buffer: Int8Array, info: TensorInfo) -> Float32Array:
    """Return the real values of a padded int8 NHWC buffer, float32 NCHW without padding.

    Raises:
        InvalidArgument: `buffer` has another size.
    """
    real = dequantise(depad(buffer, info), info)
    return np.ascontiguousarray(real.transpose(0, 3, 1, 2)) if real.ndim == 4 else real


def nchw(info: TensorInfo) -> tuple[int, ...]:
    """Return the shape of a tensor without padding, the channels behind the batch."""
    shape = info.unpadded_shape
    return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
