"""The chain of nodes that run on each finished range of another node's output."""

from __future__ import annotations

import numpy as np

from axemu.emulator.compute._arguments import Call
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Data
from axemu.model.program import Node

from . import links


def assemble_range(assembler: Assembler, node: Node) -> None:
    """Append an operator that another kernel could call as a stage of its own."""
    after = link_epilogue(assembler, assembler.epilogue(node))
    call = links()[node.op](assembler, node, after, None)
    assembler.over_pixels(call, node, [assembler.view(name) for name in node.inputs])


def link_epilogue(assembler: Assembler, epilogue: list[Node]) -> Call:
    """Return the call of the first of `epilogue`, which calls the rest.

    Tables that follow each other become one.
    """
    if not epilogue:
        return Call()
    count = max(1, leading_tables(assembler, epilogue))
    after = link_epilogue(assembler, epilogue[count:])
    table = composed_table(assembler, epilogue[:count]) if count > 1 else None
    return links()[epilogue[0].op](assembler, epilogue[0], after, table)


def leading_tables(assembler: Assembler, epilogue: list[Node]) -> int:
    """Return how many of the first nodes are tables for all channels alike."""
    count = 0
    for node in epilogue:
        if len(node.inputs) != 1 or assembler.unary_table(node).ndim != 1:
            break
        count += 1
    return count


def composed_table(assembler: Assembler, nodes: list[Node]) -> Data:
    """Return the table of several tables one after the other."""
    key = ("composed", *(node.name for node in nodes))
    table = np.arange(256, dtype=np.uint8)
    for node in nodes:
        table = assembler.unary_table(node)[table]
    return assembler.table(key, table)
