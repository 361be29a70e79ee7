"""`avg_pool`: the mean of a window; global pooling is a window of the whole input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._accumulate import fill_value
from axemu.model.ops._float import Float32Array, Int8Array, quantise_metis, round_f18, to_int8
from axemu.model.ops._operator import AttributeRule, Call, Flag, Operator, Shape
from axemu.model.ops._window import WINDOW, Window
from axemu.model.program._program import Node

MAX_WINDOW = 1 << 22
"""Positions per window: up to here the sum stays in int32 for any int8 zero point."""


class AvgPool(Operator):
    """Integer sum of the window, then few float steps.

    With `count_include_pad` padding counts as the input's zero point and the divisor is the kernel's area; without, it
    is left out of sum and divisor.
    """

    name: ClassVar[str] = "avg_pool"
    takes_epilogue: ClassVar[bool] = True
    passes_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {**WINDOW, "count_include_pad": Flag(default=False)}

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return (rows, columns, C); every window must meet at least one value that counts."""
        height, width, channels = inputs[0]
        window = Window.of(self, node)
        rows, columns = window.output_size(node, height, width)
        if window.kernel[0] * window.kernel[1] > MAX_WINDOW:
            raise InvalidArgument(f"attribute 'kernel' {window.kernel} exceeds {MAX_WINDOW} positions")
        if any(window.pads) and not self._counts(node, (height, width), (rows, columns)).all():
            raise InvalidArgument(f"attribute 'pads' {window.pads} makes a window of padding only: no mean")
        return rows, columns, channels

    def exact(self, call: Call) -> Int8Array:
        """QLinearGlobalAveragePool on every window: float32(sum of (q - zp)) * (s_in / (s_out * n))."""
        tensor, output = call.inputs[0], call.output
        sums, counts = self._sums(call)
        centred = (sums - counts[:, :, None] * np.int64(tensor.zero_point)).astype(np.int32)
        divisor: Float32Array = np.float32(output.scale) * counts.astype(np.float32)
        multiplier: Float32Array = np.float32(tensor.scale) / divisor
        return to_int8(centred.astype(np.float32) * multiplier[:, :, None], -128, 127, output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """f18 the sum of q, multiply by f18(1/n), f18, subtract the zero point, multiply by f18(s_in), quantise."""
        tensor, output = call.inputs[0], call.output
        sums, counts = self._sums(call)
        share = round_f18(np.float32(1.0) / counts.astype(np.float32))
        mean = round_f18(round_f18(sums.astype(np.int32).astype(np.float32)) * share[:, :, None])
        real: Float32Array = (mean - np.float32(tensor.zero_point)) * round_f18(tensor.scale)
        return quantise_metis(real, output.scale, output.zero_point)

    def _sums(self, call: Call) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the sums of q (rows, columns, C) and the divisors (rows, columns)."""
        window = Window.of(self, call.node)
        rows, columns, channels = call.output.shape
        include = self.value(call.node, "count_include_pad")
        fill = fill_value(call.inputs[0].zero_point) if include else 0
        sums = np.zeros((rows, columns, channels), np.int64)
        for _, _, view in window.taps(window.padded(call.values[0], fill), rows, columns):
            sums += view
        height, width, _ = call.inputs[0].shape
        return sums, self._counts(call.node, (height, width), (rows, columns))

    def _counts(self, node: Node, size: tuple[int, int], positions: tuple[int, int]) -> npt.NDArray[np.int64]:
        window = Window.of(self, node)
        if self.value(node, "count_include_pad"):
            return np.full(positions, window.kernel[0] * window.kernel[1], np.int64)
        along = [_real(window, axis, size[axis], positions[axis]) for axis in (0, 1)]
        counts: npt.NDArray[np.int64] = along[0][:, None] * along[1][None, :]
        return counts


def _real(window: Window, axis: int, size: int, positions: int) -> npt.NDArray[Any]:
    """Count per window position along one axis the taps that meet real values."""
    counts = np.zeros(positions, np.int64)
    starts = np.arange(positions, dtype=np.int64) * window.strides[axis] - window.pads[axis]
    for tap in range(window.kernel[axis]):
        place = starts + tap * window.dilations[axis]
        counts += (place >= 0) & (place < size)
    return counts
