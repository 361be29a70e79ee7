"""The chain of nodes that run on each finished range of another node's output."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._layout import Data, KernelAddress, Value
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node

from . import elementwise, unary


def link_followers(lowering: Lowering, followers: list[Node]) -> tuple[Value, Value]:
    """Return kernel and descriptor of the first of `followers`, which call the rest; (0, 0) if there is none.

    Tables that follow each other become one.
    """
    if not followers:
        return 0, 0
    count = max(1, leading_tables(lowering, followers))
    after, after_descriptor = link_followers(lowering, followers[count:])
    if len(followers[0].inputs) == 1:
        table = composed_table(lowering, followers[:count]) if count > 1 else None
        kernel, descriptor, fields = unary.link(lowering, followers[0], table)
    else:
        kernel, descriptor, fields = elementwise.link(lowering, followers[0])
    descriptor[fields.NEXT], descriptor[fields.NEXT_DESCRIPTOR] = after, after_descriptor
    return KernelAddress(kernel), descriptor


def leading_tables(lowering: Lowering, followers: list[Node]) -> int:
    """Return how many of the first nodes are tables for all channels alike."""
    count = 0
    for node in followers:
        if len(node.inputs) != 1 or lowering.unary_table(node).ndim != 1:
            break
        count += 1
    return count


def composed_table(lowering: Lowering, nodes: list[Node]) -> Data:
    """Return the table of several tables one after the other."""
    key = ("composed", *(node.name for node in nodes))
    table = np.arange(256, dtype=np.uint8)
    for node in nodes:
        table = lowering.unary_table(node)[table]
    return lowering.table(key, table)
