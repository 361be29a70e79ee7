"""What a compiled model says about one input or output tensor."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from axemu.driver._errors import InvalidArgument
from axemu.driver._zero_point import usable_zero_point


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Shape, quantisation and padding of one tensor, in the documented positional order.

    Real value and int8 code relate as ``real = (q - zero_point) * scale``. `shape` is the padded NHWC shape of the
    buffer that `ModelInstance.run` takes, `padding` the (before, after) pairs per axis in the form `np.pad` takes
    (empty: no padding). A `zero_point` outside int8 stays usable in the documented NumPy recipes; see
    `docs/compatibility.md`.
    """

    shape: tuple[int, ...]
    dtype: npt.DTypeLike = np.int8
    name: str = ""
    padding: list[tuple[int, int]] = field(default_factory=list)
    scale: float = 1.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        """Normalise what callers and files spell differently.

        Raises:
            InvalidArgument: a negative dimension, or a padding that does not fit the shape.
        """
        shape = tuple(operator.index(size) for size in self.shape)
        padding = _pairs(self.padding)
        if any(size < 0 for size in shape):
            raise InvalidArgument(f"TensorInfo {self.name!r}: shape {shape} has a negative dimension")
        if padding and len(padding) != len(shape):
            raise InvalidArgument(
                f"TensorInfo {self.name!r}: padding has {len(padding)} pairs for {len(shape)} dimensions; "
                "give one (before, after) pair per dimension or none"
            )
        for axis, (before, after) in enumerate(padding):
            if before < 0 or after < 0 or before + after > shape[axis]:
                raise InvalidArgument(
                    f"TensorInfo {self.name!r}: padding {(before, after)} of axis {axis} does not fit into "
                    f"its padded size {shape[axis]}"
                )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "padding", padding)
        object.__setattr__(self, "zero_point", usable_zero_point(self.zero_point))

    def __hash__(self) -> int:
        """Hash by value: `padding` is a list because that is its documented type."""
        return hash(
            (self.shape, np.dtype(self.dtype), self.name, tuple(self.padding), self.scale, self.zero_point)
        )

    @property
    def size(self) -> int:
        """Size of the padded buffer in bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def unpadded_shape(self) -> tuple[int, ...]:
        """The shape without padding: what the network itself sees, in NHWC."""
        if not self.padding:
            return self.shape
        return tuple(
            size - before - after for size, (before, after) in zip(self.shape, self.padding, strict=True)
        )


def _pairs(padding: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    return [(operator.index(before), operator.index(after)) for before, after in padding]
