"""Depth-first tiling: operators that are made tile by tile together, so that no map between them leaves L1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from axelera.compiler.planning.passes._kernel import WORD
from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._tiles import Room, counts, cut
from axemu.model.passes import Tile

if TYPE_CHECKING:
    from axelera.compiler.planning.passes._level1 import Level1


def chain_rooms(level: Level1, first: int, last: int) -> Iterator[list[Room]]:
    """Yield rooms of the operators `first` to `last` as one chain: the fewest tiles that fit with a whole output, and any.

    Every kernel of the chain lies in L1 and is loaded again for every tile, as the array holds one at a time.
    """
    chain = level.operators[first : last + 1]
    handed = {operator.output for operator in chain[:-1]}
    output, height = level.maps[chain[-1].output], chain[-1].height
    weights = sum(operator.size for operator in chain)
    names = {read.name for operator in chain for read in operator.reads} - handed
    inside = {name for name in names if name in level.held}
    kept = sum(level.maps[name].size for name in inside)
    ways = [False, True] if output.name not in level.spilled else [True]
    for count in counts(height, level.options):
        tiles = tiles_of(chain, level.maps, count)
        moving = sum(_largest(chain, tiles, name, level.maps) for name in names - inside)
        between = sum(
            max(tile.rows for tile in made) * level.maps[operator.output].row_bytes
            for operator, made in zip(chain[:-1], tiles, strict=False)
        )
        buffers = kept + weights + 2 * moving + between
        whole = buffers + level.ahead[last] + output.size
        by_tiles = buffers + 2 * tiles[-1][0].rows * output.row_bytes
        for stores in [one for one in ways if (by_tiles if one else whole) <= level.capacity]:
            ways.remove(stores)
            rooms = [
                Room(
                    tuple(made),
                    frozenset({read.name for read in operator.reads} - inside - handed),
                    stores_tiles=stores and operator is chain[-1],
                    ahead=not stores,
                    peak=by_tiles if stores else whole,
                    chain=0,
                )
                for operator, made in zip(chain, tiles, strict=True)
            ]
            rooms[0].chain = len(chain)
            yield rooms


def saved_cycles(level: Level1, first: int, rooms: Sequence[Room]) -> int:
    """Return the cycles a chain saves: ways of its inner maps out of L1 and back, less kernels loaded and rows made again."""
    chain = level.operators[first : first + len(rooms)]
    result = sum(2 * level.maps[operator.output].size // WORD for operator in chain[:-1])
    if rooms[-1].stores_tiles:
        result -= 2 * level.maps[chain[-1].output].size // WORD
    for operator, room in zip(chain, rooms, strict=True):
        kernel = next(iter(operator.kernels), None)
        made = sum(operator.units(kernel, tile.rows).cycles for tile in room.tiles)
        result -= made - operator.units(kernel, operator.height).cycles
        result -= (len(room.tiles) - 1) * (kernel.load_cycles if kernel else 0)
    return result


def tiles_of(chain: Sequence[Operator], maps: Mapping[str, Map], count: int) -> list[list[Tile]]:
    """Return the tiles of each operator: those of the last are even, the others make what the next one needs."""
    tiles = list(cut(chain[-1].height, count))
    result = [tiles]
    for operator, reader in zip(chain[-2::-1], chain[:0:-1], strict=True):
        read = next(read for read in reader.reads if read.name == operator.output)
        rows = [read.window(tile, maps[operator.output].rows) for tile in result[0]]
        result.insert(
            0, [Tile(index, count, begin, stop - begin) for index, (begin, stop) in enumerate(rows)]
        )
    return result


def _largest(
    chain: Sequence[Operator], tiles: Sequence[Sequence[Tile]], name: str, maps: Mapping[str, Map]
) -> int:
    """Bytes of the largest tile of a map that comes by tiles, halo included."""
    source = maps[name]
    return max(
        read.rows(tile, source.rows) * source.row_bytes
        for operator, made in zip(chain, tiles, strict=True)
        for read in operator.reads
        for tile in made
        if read.name == name
    )
