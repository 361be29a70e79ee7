"""What both resizes share: their size is the length of their index tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._operator import Shape
from axemu.model.program._program import Node


def resized(node: Node, inputs: Sequence[Shape], declared: Shape | None) -> Shape:
    """Return the declared height and width with the input's channels."""
    if declared is None:
        raise InvalidArgument(f"node {node.name!r} ({node.op}): its shape must be declared")
    return declared[0], declared[1], inputs[0][2]


def index_problems(role: str, index: npt.NDArray[Any], length: int) -> list[str]:
    """Return what is wrong with an index table into `length` rows or columns."""
    low, high = int(index.min()), int(index.max())
    if low < 0 or high >= length:
        return [f"constant {role!r} holds {low if low < 0 else high}, expected 0..{length - 1}"]
    return []
