"""`add`: the sum of two tensors."""

from __future__ import annotations

from typing import ClassVar

from axemu.model.ops._elementwise import Elementwise
from axemu.model.ops._float import Float32Array


class Add(Elementwise):
    """left + right."""

    name: ClassVar[str] = "add"

    def combine(self, left: Float32Array, right: Float32Array) -> Float32Array:
        """Return left + right."""
        result: Float32Array = left + right
        return result
