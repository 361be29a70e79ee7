"""L1: whole maps, tiles, prefetch, and which maps have to leave (R1, R2, R9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from axelera.compiler.planning.passes._chain import chain_rooms, saved_cycles
from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._options import PassOptions
from axelera.compiler.planning.passes._tiles import Room, counts, cut
from axemu.model.passes import Tile

NEVER = 1 << 40


@dataclass(slots=True)
class Residency:
    """Where maps live: `spilled` ones have a home outside L1, `rooms` has an entry per operator."""

    spilled: set[str] = field(default_factory=set)
    rooms: list[Room] = field(default_factory=list)


class Level1:
    """L1 while the operators run one after the other."""

    def __init__(
        self,
        operators: Sequence[Operator],
        maps: dict[str, Map],
        outputs: Collection[str],
        capacity: int,
        options: PassOptions,
    ) -> None:
        self.operators, self.maps, self.capacity, self.options = operators, maps, capacity, options
        self.outputs = outputs
        self.reads: dict[str, list[int]] = {}
        for index, operator in enumerate(operators):
            for read in operator.reads:
                self.reads.setdefault(read.name, []).append(index)
        self.ahead = self._weights_ahead()
        self.spilled = {name for name, one in maps.items() if one.home != "l1"}
        self.held: dict[str, int] = {}

    def _weights_ahead(self) -> list[int]:
        """Bytes of the weights that are fetched next while each operator runs."""
        result, following = [0] * len(self.operators), 0
        for index in range(len(self.operators) - 1, -1, -1):
            result[index] = following
            sizes = [kernel.size for kernel in self.operators[index].kernels if not kernel.from_l1]
            if sizes:
                following = sizes[0]
                result[index] = max([result[index], *sizes[1:]])
        return result

    def settle(self) -> Residency:
        """Walk the operators until no further map has to leave."""
        while True:
            before = len(self.spilled)
            self.held = {}
            rooms: list[Room] = []
            while len(rooms) < len(self.operators):
                rooms += self._chain(len(rooms)) or [self._operator(len(rooms))]
            if len(self.spilled) == before:
                return Residency(self.spilled, rooms)

    def _next_use(self, name: str, index: int) -> int:
        return next((use for use in self.reads.get(name, []) if use >= index), NEVER)

    def _evict(self, limit: int, keep: set[str], index: int) -> int:
        """Let maps leave that are needed last, until the others take `limit` bytes at most; return what they take."""
        others = {name: size for name, size in self.held.items() if name not in keep}
        for name in sorted(others, key=lambda one: -self._next_use(one, index)):
            if sum(others.values()) <= limit:
                break
            del others[name], self.held[name]
            self.spilled.add(name)
        return sum(others.values())

    def _operator(self, index: int) -> Room:
        operator = self.operators[index]
        names = {read.name for read in operator.reads}
        room = self._whole(index, operator, names) or self._tiled(index, operator, names)
        self._keep(index)
        return room

    def _keep(self, index: int) -> None:
        """Hold the output of an operator for its readers, and nothing that is not read any more."""
        output = self.operators[index].output
        if output not in self.spilled and self._next_use(output, index) != NEVER:
            self.held[output] = self.maps[output].size
        for name in [one for one in self.held if self._next_use(one, index + 1) == NEVER]:
            del self.held[name]

    def _chain(self, index: int) -> list[Room]:
        """Return rooms of operators that are made tile by tile together; none where everything fits, or nothing helps.

        A chain begins where the maps of an operator do not fit L1 and goes on while nobody else reads what is handed
        over. The one that saves most cycles is taken.
        """
        found: list[Room] = []
        if self.options.depth > 1 and self._needs(index) > self.capacity:
            best = 0
            for last in range(index + 1, min(index + self.options.depth, len(self.operators))):
                if not self._hands_over(last - 1):
                    break
                for rooms in chain_rooms(self, index, last):
                    saved = saved_cycles(self, index, rooms)
                    if saved > best:
                        best, found = saved, rooms
        if found:
            last = index + len(found) - 1
            if found[-1].stores_tiles:
                self.spilled.add(self.operators[last].output)
            keep = {read.name for operator in self.operators[index : last + 1] for read in operator.reads}
            self._evict(self.capacity - found[0].peak, keep, index)
            self._keep(last)
        return found

    def _needs(self, index: int) -> int:
        """Bytes of L1 for an operator with whole maps, without the next weights."""
        operator = self.operators[index]
        inputs = sum(self.maps[name].size for name in {read.name for read in operator.reads})
        return inputs + max(operator.largest, self.maps[operator.output].size)

    def _hands_over(self, index: int) -> bool:
        """Tell whether the next operator alone reads what this one makes, row by row, and each has one kernel at most."""
        here, following = self.operators[index : index + 2]
        reads = [read for read in following.reads if read.name == here.output]
        alone = self.reads.get(here.output) == [index + 1] * len(reads) and here.output not in self.outputs
        once = len(here.kernels) <= 1 and len(following.kernels) <= 1
        return alone and len(reads) == 1 and not reads[0].whole and once and following.height > 1

    def _whole(self, index: int, operator: Operator, names: set[str]) -> Room | None:
        """R1 (verified): everything whole, if it fits; other maps leave for it.

        The output may lie where this operator's weights were: they are in the array by then. Whether the prefetch is
        given up for a map that fits only without is inferred.
        """
        inputs = sum(self.maps[name].size for name in names)
        loaded = operator.largest
        output = self.maps[operator.output].size
        chances = [self.ahead[index], 0] if self.options.lose_prefetch else [self.ahead[index]]
        for following in chances:
            need = inputs + following + max(loaded, output)
            if need <= self.capacity:
                others = self._evict(self.capacity - need, names, index)
                tile = Tile(0, 1, 0, operator.height)
                return Room((tile,), ahead=following == self.ahead[index], peak=need + others)
        return None

    def _tiled(self, index: int, operator: Operator, names: set[str]) -> Room:
        """R1 (verified): cut over rows, as few tiles as fit; what lies in L1 stays, all else comes and goes by tiles."""
        inside = {name for name in names if name in self.held}
        loaded = operator.largest
        while True:
            kept = sum(self.maps[name].size for name in inside)
            for count in counts(operator.height, self.options):
                tiles = tuple(cut(operator.height, count))
                moving = self._moving(operator, names - inside, tiles)
                buffers = 2 * moving + 2 * self._output_tile(operator, tiles)
                need = kept + max(loaded, buffers)
                if need <= self.capacity:
                    return self._settled(index, operator, names, inside, tiles, kept, moving, loaded)
            if not inside:
                break
            # What lies in L1 alone is too much: the largest part leaves and comes by tiles.
            order = [read.name for read in operator.reads if read.name in inside]
            largest = max(order, key=lambda name: (self.maps[name].size, self._next_use(name, index + 1)))
            inside.remove(largest)
            self.held.pop(largest)
            self.spilled.add(largest)
        self._evict(0, names, index)
        self.spilled.add(operator.output)
        tiles = tuple(cut(operator.height, operator.height))
        return Room(tiles, frozenset(names), stores_tiles=True, ahead=False, peak=self.capacity, short=True)

    def _settled(
        self,
        index: int,
        operator: Operator,
        names: set[str],
        inside: set[str],
        tiles: tuple[Tile, ...],
        kept: int,
        moving: int,
        loaded: int,
    ) -> Room:
        """Keep the output whole beside the next weights if that fits, else let it leave by tiles."""
        output, following = self.maps[operator.output].size, self.ahead[index]
        whole = kept + following + max(loaded, 2 * moving + output)
        stores = whole > self.capacity or operator.output in self.spilled
        need = kept + max(loaded, 2 * moving + 2 * self._output_tile(operator, tiles)) if stores else whole
        others = self._evict(max(0, self.capacity - need), names, index)
        if stores:
            self.spilled.add(operator.output)
        return Room(tiles, frozenset(names - inside), stores, not stores, need + others)

    def _moving(self, operator: Operator, names: set[str], tiles: tuple[Tile, ...]) -> int:
        """Bytes of one tile of each map that comes by tiles, halo included."""
        largest = {read.name: 0 for read in operator.reads if read.name in names}
        for read in operator.reads:
            if read.name in names:
                source = self.maps[read.name]
                rows = max(read.rows(tile, source.rows) for tile in tiles)
                largest[read.name] = max(largest[read.name], rows * source.row_bytes)
        return sum(largest.values())

    def _output_tile(self, operator: Operator, tiles: tuple[Tile, ...]) -> int:
        return tiles[0].rows * self.maps[operator.output].row_bytes


def residency(
    operators: Sequence[Operator],
    maps: dict[str, Map],
    outputs: Collection[str],
    capacity: int,
    options: PassOptions,
) -> Residency:
    """Decide for each operator what is whole in L1 and what moves.

    R9 (verified): maps, vector constants and two weight tensors fill all of L1 but its first 15,104 bytes. R1 (verified
    in the five maps that do): a map that has to leave L1 at some time lives outside for good: it is
    written there as soon as it is made and each reader fetches it, whole if that fits.

    Args:
        operators: in the order in which they run.
        maps: by name.
        outputs: maps that are outputs of the program.
        capacity: bytes of L1 without vector constants.
        options: see `PassOptions`.
    """
    return Level1(operators, maps, outputs, max(0, capacity), options).settle()
