"""Where a convolution reads: byte offsets of its kernel's positions and of its output pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import value
from axemu.emulator.compute._layout import View
from axemu.model.program import Node


def tap_offsets(node: Node, source: View) -> npt.NDArray[np.int64]:
    """Return the offsets of the positions of a kernel from the first."""
    kernel, dilations = value(node, "kernel"), value(node, "dilations")
    rows = np.arange(kernel[0], dtype=np.int64)[:, None] * dilations[0] * source.row
    return (rows + np.arange(kernel[1], dtype=np.int64)[None, :] * dilations[1] * source.pixel).reshape(-1)


def pixel_offsets(node: Node, source: View, output: View) -> npt.NDArray[np.int64]:
    """Return for each output pixel where its kernel begins, from the first byte of the source on."""
    strides, pads = value(node, "strides"), value(node, "pads")
    rows = (np.arange(output.shape[0], dtype=np.int64) * strides[0] - pads[0])[:, None] * source.row
    return (
        rows + (np.arange(output.shape[1], dtype=np.int64) * strides[1] - pads[1]) * source.pixel
    ).reshape(-1)
