"""Sliding windows: the geometry shared by convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._operator import AttributeRule, Ints, Operator
from axemu.model.program._program import Node

WINDOW: Mapping[str, AttributeRule] = {
    "kernel": Ints(2, 1, 1 << 15),
    "strides": Ints(2, 1, 1 << 15, (1, 1)),
    "dilations": Ints(2, 1, 1 << 15, (1, 1)),
    "pads": Ints(4, 0, 1 << 15, (0, 0, 0, 0)),
}
"""kernel (kh, kw), strides (sh, sw), dilations (dh, dw), pads (top, left, bottom, right)."""


@dataclass(frozen=True, slots=True)
class Window:
    """Geometry of a sliding window; pairs are (height, width)."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]

    @classmethod
    def of(cls, operator: Operator, node: Node) -> Window:
        """Read the geometry of a checked node."""
        return cls(
            operator.value(node, "kernel"),
            operator.value(node, "strides"),
            operator.value(node, "dilations"),
            operator.value(node, "pads"),
        )

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns one window spans."""
        return (
            (self.kernel[0] - 1) * self.dilations[0] + 1,
            (self.kernel[1] - 1) * self.dilations[1] + 1,
        )

    def output_size(self, node: Node, height: int, width: int) -> tuple[int, int]:
        """Return the number of window positions (rows, columns), rounded down.

        Raises:
            InvalidArgument: not even one window fits.
        """
        top, left, bottom, right = self.pads
        rows = (height + top + bottom - self.extent[0]) // self.strides[0] + 1
        columns = (width + left + right - self.extent[1]) // self.strides[1] + 1
        if rows < 1 or columns < 1:
            raise InvalidArgument(
                f"the window of {self.extent[0]}x{self.extent[1]} (attributes 'kernel' and 'dilations' of"
                f" {node.name!r}) does not fit its padded input of {height + top + bottom}x{width + left + right}"
            )
        return rows, columns

    def padded(self, values: npt.NDArray[Any], fill: int) -> npt.NDArray[Any]:
        """Return values (H, W, C) surrounded by `fill`."""
        top, left, bottom, right = self.pads
        return np.pad(values, ((top, bottom), (left, right), (0, 0)), constant_values=fill)

    def taps(
        self, padded: npt.NDArray[Any], rows: int, columns: int
    ) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
        """Yield (i, j, view) for each kernel position; the view (rows, columns, C) is what it meets."""
        for i in range(self.kernel[0]):
            top = i * self.dilations[0]
            for j in range(self.kernel[1]):
                left = j * self.dilations[1]
                view = padded[
                    top : top + (rows - 1) * self.strides[0] + 1 : self.strides[0],
                    left : left + (columns - 1) * self.strides[1] + 1 : self.strides[1],
                ]
                yield i, j, view
