"""The host's half of the work: between real-valued NCHW arrays and the padded int8 NHWC buffers of a board."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from axelera.runtime import TensorInfo


def to_buffer(image: npt.NDArray[np.float32], info: TensorInfo) -> npt.NDArray[np.int8]:
    """Quantise, transpose and pad a float NCHW array into the buffer `info` describes."""
    codes = np.round(image.transpose(0, 2, 3, 1) / info.scale + info.zero_point)
    padded = np.pad(codes, info.padding, constant_values=info.zero_point)
    return padded.clip(-128, 127).astype(np.int8)


def to_real(buffer: npt.NDArray[np.int8], info: TensorInfo) -> npt.NDArray[np.float32]:
    """Cut the padding off an output buffer and dequantise what is left, NHWC."""
    inner = buffer[tuple(slice(before, -after or None) for before, after in info.padding)]
    return (inner.astype(np.float32) - info.zero_point) * np.float32(info.scale)


def load_images(path: str | Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Load the test images that `axemu demo` writes: float (N, 1, 8, 8) and labels (N,)."""
    with np.load(path, allow_pickle=False) as archive:
        return archive["images"], archive["labels"]
