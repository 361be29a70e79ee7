"""The host's side of a chip tensor: quantise and pad, depad and dequantise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import TensorInfo
from axemu.host import from_buffer, to_buffer

Float32Array = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class HostPort:
    """One input or output of the chip as the host sees it.

    Attributes:
        name: the value in the float network.
        shape: its shape there, any rank.
        nchw: the 4-D shape under which it crosses the border.
        padding: (before, after) for N, H, W and C of the chip's buffer.
        scale: real = (q - zero_point) * scale.
        zero_point: within int8.
    """

    name: str
    shape: tuple[int, ...]
    nchw: tuple[int, int, int, int]
    padding: tuple[tuple[int, int], ...]
    scale: float
    zero_point: int

    def info(self, batch: int = 1) -> TensorInfo:
        """Return the padded NHWC buffer of `batch` frames."""
        _, channels, height, width = self.nchw
        logical = (batch, height, width, channels)
        padded = tuple(
            extent + before + after for extent, (before, after) in zip(logical, self.padding, strict=True)
        )
        return TensorInfo(padded, np.int8, self.name, list(self.padding), self.scale, self.zero_point)

    def quantise(self, real: npt.NDArray[Any]) -> Int8Array:
        """Return the padded int8 buffer (1, H, W, C) of a float value in the network's own shape or in NCHW."""
        return to_buffer(real, self.info())

    def dequantise(self, buffer: Int8Array) -> Float32Array:
        """Return the float NCHW value (1, C, H, W) of a padded int8 buffer."""
        return from_buffer(buffer, self.info())

    def to_json(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "padding": [list(pair) for pair in self.padding],
            "scale": self.scale,
            "zero_point": self.zero_point,
        }
