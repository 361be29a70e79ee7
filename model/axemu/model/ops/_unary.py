"""Operators that treat every value on its own, by channel at most: they are tables of 256 entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import Operator, Shape
from axemu.model.program._program import Node


class Unary(Operator):
    """One input; the output has its shape."""

    def infer_shape(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return the shape of the input."""
        return inputs[0]


def look_up(table: npt.NDArray[np.int8], values: Int8Array) -> Int8Array:
    """Return table[q + 128], or table[c, q + 128] for a table (C, 256)."""
    index = values.astype(np.intp) + 128
    if table.ndim == 1:
        return np.asarray(table)[index]
    return np.asarray(table)[np.arange(table.shape[0]), index]
