"""`slice`: a regular part of a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Ints, Operator, Shape
from axemu.model.program._program import Node


class Slice(Operator):
    """Along each axis `sizes` values from `starts` on, `steps` apart."""

    name: ClassVar[str] = "slice"
    moves_values: ClassVar[bool] = True
    same_scale: ClassVar[bool] = True
    is_view: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {
        "starts": Ints(3, 0),
        "sizes": Ints(3, 1),
        "steps": Ints(3, 1, default=(1, 1, 1)),
    }

    def infer_shape(
        self,
        node: Node,
        inputs: Sequence[Shape],
        declared: Shape | None = None,  # noqa: ARG002
    ) -> Shape:
        """Return `sizes`; the last value taken must lie inside the input."""
        starts, sizes, steps = (self.value(node, name) for name in ("starts", "sizes", "steps"))
        for axis, (start, size, step, length) in enumerate(zip(starts, sizes, steps, inputs[0], strict=True)):
            if start + (size - 1) * step >= length:
                raise InvalidArgument(
                    f"attributes 'starts' {starts}, 'sizes' {sizes} and 'steps' {steps} reach past the input's"
                    f" {length} along axis {axis}"
                )
        height, width, channels = sizes
        return height, width, channels

    def exact(self, call: Call) -> Int8Array:
        """The part; `metis` is the same."""
        starts, sizes, steps = (self.value(call.node, name) for name in ("starts", "sizes", "steps"))
        part = tuple(
            slice(start, start + (size - 1) * step + 1, step)
            for start, size, step in zip(starts, sizes, steps, strict=True)
        )
        return call.values[0][part].copy()
