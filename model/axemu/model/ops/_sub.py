"""`sub`: the difference of two tensors."""

from __future__ import annotations

from typing import ClassVar

from axemu.model.ops._elementwise import Elementwise
from axemu.model.ops._float import Float32Array


class Sub(Elementwise):
    """left - right."""

    name: ClassVar[str] = "sub"

    def combine(self, left: Float32Array, right: Float32Array) -> Float32Array:
        """Return left - right."""
        result: Float32Array = left - right
        return result
