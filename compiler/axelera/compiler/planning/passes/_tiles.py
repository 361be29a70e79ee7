"""Rows that are made at once, and what an operator does with L1 meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axelera.compiler.planning.passes._kernel import shares
from axelera.compiler.planning.passes._options import PassOptions
from axemu.model.passes import Tile


@dataclass(slots=True)
class Room:
    """What one operator does with L1.

    Args:
        tiles: rows of the output that are made at once; one for all where everything is whole.
        streamed: maps that come tile by tile; other maps outside are read whole.
        stores_tiles: the output leaves tile by tile.
        ahead: the next weights may lie in L1 while the operator runs.
        peak: most bytes of L1 in use, without vector constants.
        short: not even single rows fit.
        chain: operators from this one on that are made tile by tile together; 0 for the others of such a chain.
    """

    tiles: tuple[Tile, ...]
    streamed: frozenset[str] = frozenset()
    stores_tiles: bool = False
    ahead: bool = True
    peak: int = 0
    short: bool = False
    chain: int = 1


def counts(height: int, options: PassOptions) -> list[int]:
    """How many tiles to try. That they are powers of two is inferred from 8, 8, 4, 4 and 4."""
    if not options.tiles_power_of_two:
        return list(range(2, height + 1))
    return [1 << power for power in range(1, height.bit_length()) if 1 << power <= height]


def cut(height: int, count: int) -> Iterable[Tile]:
    """Cut rows into tiles of about equal height, the higher ones first."""
    first = 0
    for index, rows in enumerate(sorted(shares(height, count), reverse=True)):
        yield Tile(index, count, first, rows)
        first += rows
