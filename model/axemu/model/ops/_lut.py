"""`lut`: any function of one value, as a table made at compile time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import AttributeRule, Call, Shape, Text
from axemu.model.ops._unary import Unary, look_up
from axemu.model.program._program import Node


class Lut(Unary):
    """table[q + 128], one table for all channels or one each; `function` says what the table holds."""

    name: ClassVar[str] = "lut"
    is_pointwise: ClassVar[bool] = True
    takes_epilogue: ClassVar[bool] = True
    absorbs_gain: ClassVar[bool] = True
    attributes: ClassVar[Mapping[str, AttributeRule]] = {"function": Text("")}
    constants: ClassVar[Mapping[str, str]] = {"table": "int8"}

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        output: Shape,  # noqa: ARG002
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return (256,) or (C, 256)."""
        return {"table": ((256,), (inputs[0][2], 256))}

    def exact(self, call: Call) -> Int8Array:
        """The table's entry; `metis` is the same."""
        return look_up(call.constants["table"], call.values[0])
