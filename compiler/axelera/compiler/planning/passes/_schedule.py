"""From operators to passes, transfers and steps: prefetch, tiles as a pipeline, and who waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axelera.compiler.planning.passes._kernel import Kernel
from axelera.compiler.planning.passes._level2 import Outside
from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._tiles import Room
from axelera.compiler.planning.passes._writer import Writer, loading_is_waited_for
from axemu.model.passes import Pass, Tile


class Schedule:
    """Writes one program."""

    def __init__(
        self,
        operators: Sequence[Operator],
        maps: Mapping[str, Map],
        rooms: Sequence[Room],
        spilled: set[str],
        outputs: Sequence[str],
        outside: Outside,
        writer: Writer,
    ) -> None:
        self.operators, self.maps, self.rooms = operators, maps, rooms
        self.spilled, self.outputs, self.outside = spilled, outputs, outside
        self.writer = writer
        self.weights = [
            (index, number)
            for index, operator in enumerate(operators)
            for number, kernel in enumerate(operator.kernels)
            if not kernel.from_l1
        ]
        self.place = {pair: position for position, pair in enumerate(self.weights)}
        self.fetched: dict[int, int | None] = {}
        """Transfers of weight tensors that were started, by position."""

    def write(self, constants: int) -> None:
        """Write all operators."""
        self.writer.move("vector constants", "l2_const", "l1", constants)
        for index, room in enumerate(self.rooms):
            if room.chain > 1:
                self._chain(index, room.chain)
            elif room.chain:
                self._operator(index)
        self.writer.finish()

    def _fetch(self, position: int) -> int | None:
        if position not in self.fetched and position < len(self.weights):
            index, number = self.weights[position]
            source = "l2_const" if index in self.outside.weights_in_l2 else "ddr_const"
            operator = self.operators[index]
            self.fetched[position] = self.writer.start(
                operator.layer, source, "l1", operator.kernels[number].size
            )
        return self.fetched.get(position)

    def _due(self, index: int) -> int:
        """Return the position of the first weight tensor that is needed after operator `index`."""
        return next(
            (position for position, (owner, _) in enumerate(self.weights) if owner > index), len(self.weights)
        )

    def _may_fetch(self, index: int) -> bool:
        """Tell whether the next weights may be fetched from this operator on.

        Verified where tiles leave on the weights' channels: they come after the last tile. Inferred for want of room.
        """
        until = self.weights[self._due(index)][0] if self._due(index) < len(self.weights) else index
        between = range(index, until) if until > index else range(index, index + 1)
        return all(self.rooms[one].ahead for one in between)

    def _operator(self, index: int) -> None:
        operator, room, writer = self.operators[index], self.rooms[index], self.writer
        for read in dict.fromkeys(one.name for one in operator.reads):
            if read in self.spilled and read not in room.streamed:
                for source, size in self._parts(read, self.maps[read].size):
                    writer.move(read, source, "l1", size)
        for number, kernel in enumerate(operator.kernels):
            if not kernel.from_l1:
                writer.wait(self._fetch(self.place[index, number]))
            self._fetch_ahead(index, number)
            writer.load(waited=loading_is_waited_for(operator, len(room.tiles)) and kernel.fed > 0)
            self._run(index, kernel, final=number == len(operator.kernels) - 1)
        if not operator.kernels:
            self._fetch_ahead(index, 0)
            self._run(index, None, final=True)
        self._store(index)

    def _chain(self, first: int, length: int) -> None:
        """Run operators tile by tile together: all their weights lie in L1, each is loaded for every tile (inferred)."""
        writer, members = self.writer, range(first, first + length)
        last, rooms = members[-1], [self.rooms[index] for index in members]
        for index in members:
            if self.operators[index].kernels:
                writer.wait(self._fetch(self.place[index, 0]))
        self._fetch_ahead(last, len(self.operators[last].kernels) - 1)
        coming = [one for index in members for one in self._tile_in(index, self.rooms[index].tiles[0])]
        leaving: list[int | None] = []
        for number in range(len(rooms[0].tiles)):
            writer.wait(*coming)
            coming = []
            for index, room in zip(members, rooms, strict=True):
                if number + 1 < len(room.tiles):
                    coming += self._tile_in(index, room.tiles[number + 1])
                kernel = next(iter(self.operators[index].kernels), None)
                if kernel is not None:
                    writer.load(waited=False)
                waits = index == last
                writer.run(_pass(self.operators[index], kernel, room.tiles[number], waits, again=True))
            writer.drained()
            writer.wait(*leaving)
            if rooms[-1].stores_tiles:
                leaving = self._tile_out(last, None, rooms[-1].tiles[number])
        writer.wait(*leaving)
        self._store(last)

    def _fetch_ahead(self, index: int, number: int) -> None:
        """Start the fetch of the weights that come after loading `number` of operator `index`: one ahead (verified)."""
        if (index, number + 1) in self.place:
            if self.rooms[index].ahead:
                self._fetch(self.place[index, number + 1])
        elif number + 1 >= len(self.operators[index].kernels) and self._may_fetch(index):
            self._fetch(self._due(index))

    def _run(self, index: int, kernel: Kernel | None, *, final: bool) -> None:
        """Run the tiles: the next tile comes and the last one leaves beside each, with a barrier where one is needed."""
        operator, room, writer = self.operators[index], self.rooms[index], self.writer
        if room.streamed:
            writer.wait(*self._tile_in(index, room.tiles[0]))
        leaving: list[int | None] = []
        for tile in room.tiles:
            more = tile.index + 1 < tile.count
            coming = self._tile_in(index, room.tiles[tile.index + 1]) if room.streamed and more else []
            waits = self._waits(index, tile, final=final)
            writer.run(_pass(operator, kernel, tile, waits))
            if room.stores_tiles and tile.index:
                leaving = self._tile_out(index, kernel, room.tiles[tile.index - 1])
            writer.wait(*coming)
            if waits:
                writer.drained()
            writer.wait(*leaving)
        if room.stores_tiles:
            writer.wait(*self._tile_out(index, kernel, room.tiles[-1]))

    def _waits(self, index: int, tile: Tile, *, final: bool) -> bool:
        """Tell whether the control core waits for the drain of a pass; otherwise the next pass takes over in hardware.

        Verified: between operators, if the next one loads the array or if the output leaves L1; within a tiled one, if
        a transfer is in flight and the next one needs this tile's buffers. Inferred: if the next operator fetches maps.
        """
        room = self.rooms[index]
        if tile.index + 1 < tile.count:
            moves = bool(room.streamed) or (room.stores_tiles and tile.index > 0)
            needs = room.stores_tiles or (bool(room.streamed) and tile.index + 2 < tile.count)
            return moves and needs
        output = self.operators[index].output
        leaves = output in self.spilled or output in self.outputs
        following = self.operators[index + 1] if index + 1 < len(self.operators) else None
        if leaves or not final or following is None or following.kernels:
            return True
        return any(read.name in self.spilled for read in following.reads)

    def _tile_in(self, index: int, tile: Tile) -> list[int | None]:
        started = []
        for read in self.operators[index].reads:
            if read.name in self.rooms[index].streamed:
                source = self.maps[read.name]
                size = read.rows(tile, source.rows) * source.row_bytes
                for home, part in self._parts(read.name, size):
                    started.append(self.writer.start(read.name, home, "l1", part))
        return started

    def _tile_out(self, index: int, kernel: Kernel | None, tile: Tile) -> list[int | None]:
        """Start the way out of a tile, or of the words of it that one of several loadings makes."""
        operator = self.operators[index]
        output, made = operator.output, sum(one.outputs for one in operator.kernels)
        size = tile.rows * self.maps[output].row_bytes
        if kernel is not None and len(operator.kernels) > 1:
            size = size * kernel.outputs // made
        return [self.writer.start(output, "l1", home, part) for home, part in self._homes(output, size)]

    def _store(self, index: int) -> None:
        """Send a whole output where it is read from later, and to the host."""
        output = self.operators[index].output
        if not self.rooms[index].stores_tiles:
            for home, part in self._homes(output, self.maps[output].size):
                self.writer.move(output, "l1", home, part)

    def _homes(self, output: str, size: int) -> list[tuple[str, int]]:
        """Return the pools that an output goes to, with bytes."""
        homes = [("ddr_output", size)] if output in self.outputs else []
        if output in self.spilled and output not in self.outputs:
            homes += self._parts(output, size)
        return homes

    def _parts(self, name: str, size: int) -> list[tuple[str, int]]:
        """Return the pools that a spilled map is read from, with bytes: R16 (verified) for inputs, L2 first for others."""
        one = self.maps[name]
        if one.home != "l1":
            return [(one.home, size)]
        if name in self.outputs:
            return [("ddr_output", size)]
        near = round(size * self.outside.in_l2.get(name, 0) / one.size)
        return [(pool, part) for pool, part in (("l2", near), ("ddr", size - near)) if part]


def _pass(operator: Operator, kernel: Kernel | None, tile: Tile, waits: bool, *, again: bool = False) -> Pass:
    """R2 (verified): a weight tensor is loaded once and stays for all tiles, unless others run between (`again`)."""
    loaded = kernel if kernel is not None and (again or tile.index == 0) else None
    units = operator.units(kernel, tile.rows)
    return Pass(
        layer=operator.layer,
        role=operator.role,
        tile=tile,
        units=units,
        input_words=operator.input_words,
        output_words=operator.words if kernel is None else kernel.outputs // kernel.copies,
        copies=kernel.copies if kernel and kernel.fed else 0,
        instructions=kernel.instructions if kernel else 0,
        weight_bytes=loaded.size if loaded and not loaded.from_l1 and tile.index == 0 else 0,
        load_cycles=loaded.load_cycles if loaded else 0,
        load_commands=loaded.commands if loaded else 0,
        constant_words=operator.constants,
        lookups=units.drain * operator.lookup,
        products=units.drain * operator.product,
        gathers=units.drain * operator.gather,
        macs=_macs(operator, kernel, tile),
        commands=operator.commands,
        tokens=int(operator.stalls),
        waits=waits,
    )


def _macs(operator: Operator, kernel: Kernel | None, tile: Tile) -> int:
    """Return the multiply-accumulates of a pass: its rows' and its kernel's part of the operator's."""
    before, until = (operator.macs * rows // operator.height for rows in (tile.first, tile.first + tile.rows))
    if kernel is None or len(operator.kernels) == 1:
        return until - before
    total = sum(one.size for one in operator.kernels)
    done = 0
    for one in operator.kernels:
        if one is kernel:
            return (until - before) * (done + one.size) // total - (until - before) * done // total
        done += one.size
    return 0
