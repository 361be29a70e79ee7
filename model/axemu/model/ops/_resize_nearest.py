"""`resize_nearest`: every output pixel is one input pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import Call, Operator, Shape
from axemu.model.ops._resize import index_problems, resized
from axemu.model.program._program import Node


class ResizeNearest(Operator):
    """y[h, w] = x[index_h[h], index_w[w]]."""

    name: ClassVar[str] = "resize_nearest"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    passes_gain: ClassVar[bool] = True
    constants: ClassVar[Mapping[str, str]] = {"index_h": "int32", "index_w": "int32"}

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return the declared size with the input's channels."""
        return resized(node, inputs, declared)

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        output: Shape,
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return one index per output row and column."""
        return {"index_h": ((output[0],),), "index_w": ((output[1],),)}

    def check_constants(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        constants: Mapping[str, npt.NDArray[Any]],
    ) -> list[str]:
        """Return indices outside the input."""
        return [
            problem
            for axis, role in enumerate(("index_h", "index_w"))
            for problem in index_problems(role, constants[role], inputs[0][axis])
        ]

    def exact(self, call: Call) -> Int8Array:
        """The chosen pixels; `metis` is the same."""
        index_h, index_w = call.constants["index_h"], call.constants["index_w"]
        chosen: Int8Array = call.values[0][np.asarray(index_h)[:, None], np.asarray(index_w)[None, :]]
        return chosen
