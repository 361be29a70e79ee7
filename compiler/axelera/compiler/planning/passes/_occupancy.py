"""How much of each memory is in use while the operators run."""

from __future__ import annotations

from dataclasses import dataclass

from axelera.compiler.planning.passes._compile import settle
from axelera.compiler.planning.passes._options import PassOptions
from axemu.model.program import Program


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Bytes in use while the operators of a layer run, of one core: all of L1, weights and vector constants in L2, maps in L2 and in DDR."""

    layer: str
    l1: int
    l2_weights: int
    l2_maps: int
    ddr_maps: int


def occupancy(program: Program, options: PassOptions) -> tuple[Occupancy, ...]:
    """Return what is in use while each layer runs, in the order of execution; arguments as of `compile_passes`."""
    found = settle(program, options)
    operators, outside = found.operators, found.outside
    last = {read.name: index for index, operator in enumerate(operators) for read in operator.reads}
    first: dict[str, int] = {}
    for index, operator in enumerate(operators):
        first.setdefault(operator.output, index)
    near = found.constants + sum(operators[index].size for index in outside.weights_in_l2)
    rows: dict[str, Occupancy] = {}
    peak = 0
    for index, (operator, room) in enumerate(zip(operators, found.settled.rooms, strict=True)):
        peak = room.peak if room.chain else peak  # what follows in a chain runs beside its first
        alive = [name for name in outside.in_l2 if first[name] <= index <= last.get(name, index)]
        beyond = sum(found.graph.maps[name].size - outside.in_l2[name] for name in alive)
        # A map that is read for the last time may give its pages to the output.
        kept = [name for name in alive if last.get(name, index) >= index + options.reuse_pages]
        written = {operator.output} & set(alive)
        read = [name for name in alive if first[name] < index]
        inside = max(sum(outside.in_l2[one] for one in names) for names in (read, {*kept, *written}))
        before = rows.get(operator.layer, Occupancy(operator.layer, 0, 0, 0, 0))
        rows[operator.layer] = Occupancy(
            operator.layer,
            max(before.l1, peak + found.constants),
            near,
            max(before.l2_maps, inside),
            max(before.ddr_maps, beyond),
        )
    return tuple(rows.values())
