"""The chain of nodes that run on each finished range of another node's output."""

from __future__ import annotations

from axelera.emulator.compute._layout import Descriptor, KernelAddress, Value
from axelera.emulator.compute._lowering import Lowering
from axelera.model.program import Node

from . import elementwise, unary


def link_followers(lowering: Lowering, followers: list[Node]) -> tuple[Value, Value]:
    """Return kernel and descriptor of the first of `followers`, which call the rest; (0, 0) if there is none."""
    after: tuple[Value, Value] = (0, 0)
    for node in reversed(followers):
        module = unary if len(node.inputs) == 1 else elementwise
        kernel, descriptor, fields = module.link(lowering, node)
        descriptor[fields.NEXT], descriptor[fields.NEXT_DESCRIPTOR] = after
        after = (KernelAddress(kernel), descriptor)
    return after


__all__ = ["Descriptor", "link_followers"]
