"""The chain of nodes that run on each finished range of another node's output."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._arguments import Call
from axemu.emulator.compute._layout import Data
from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node

from . import links


def lower_range(lowering: Lowering, node: Node) -> None:
    """Append an operator that another kernel could call as a stage of its own."""
    after = link_followers(lowering, lowering.followers(node))
    call = links()[node.op](lowering, node, after, None)
    lowering.over_pixels(call, node, [lowering.view(name) for name in node.inputs])


def link_followers(lowering: Lowering, followers: list[Node]) -> Call:
    """Return the call of the first of `followers`, which calls the rest.

    Tables that follow each other become one.
    """
    if not followers:
        return Call()
    count = max(1, leading_tables(lowering, followers))
    after = link_followers(lowering, followers[count:])
    table = composed_table(lowering, followers[:count]) if count > 1 else None
    return links()[followers[0].op](lowering, followers[0], after, table)


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
