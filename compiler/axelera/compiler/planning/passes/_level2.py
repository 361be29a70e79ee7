"""L2 and DDR: maps first, then weights (R7, R8, R16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._options import PassOptions


@dataclass(slots=True)
class Outside:
    """What lies outside L1.

    Args:
        in_l2: bytes of each spilled map that lie in L2; the rest lies in DDR.
        weights_in_l2: operators (by index) whose weights lie in L2.
        reused: whether a map lies in pages of one that is read for the last time.
        l2_peak: most bytes of maps in L2 at once, per core.
        ddr_peak: bytes of maps in DDR, per core.
    """

    in_l2: dict[str, int] = field(default_factory=dict)
    weights_in_l2: set[int] = field(default_factory=set)
    reused: bool = False
    l2_peak: int = 0
    ddr_peak: int = 0


def pages(size: int, page: int) -> int:
    """Round up to whole pages."""
    return -(-size // page) * page


def place(
    operators: Sequence[Operator],
    maps: Mapping[str, Map],
    spilled: set[str],
    outputs: set[str],
    constants: int,
    options: PassOptions,
) -> Outside:
    """Place spilled maps and weights.

    R7 (verified): maps take L2 first, as they are written; weights get what is left.
    """
    outside = Outside()
    weights = {index: operator.size for index, operator in enumerate(operators)}
    total = options.l2_bytes
    if options.first_in_l2 == "weights":
        _weights(outside, weights, total - constants, options)
        total -= constants + sum(weights[index] for index in outside.weights_in_l2)
    _maps(outside, operators, maps, spilled - outputs, total // options.cores, options)
    if options.first_in_l2 == "maps":
        held = options.cores * pages(outside.l2_peak, int(options.figures.l2_page))
        _weights(outside, weights, total - held - constants, options)
    return outside


def _maps(
    outside: Outside,
    operators: Sequence[Operator],
    maps: Mapping[str, Map],
    spilled: set[str],
    capacity: int,
    options: PassOptions,
) -> None:
    """Maps take pages of L2 when they are written and give them back when they are read for the last time.

    That a map is split where there is not enough room is inferred, no program shows it. So is that the operator which
    reads a map for the last time may write to its pages.
    """
    page = int(options.figures.l2_page)
    last = {read.name: index for index, operator in enumerate(operators) for read in operator.reads}
    given_back = int(options.reuse_pages)
    ddr = 0
    for index, operator in enumerate(operators):
        name = operator.output
        if name in spilled and name not in outside.in_l2:
            size, free = maps[name].size, capacity // page * page
            alive = [one for one in outside.in_l2 if last.get(one, -1) >= index]
            kept = [one for one in outside.in_l2 if last.get(one, -1) >= index + given_back]
            free -= sum(pages(outside.in_l2[one], page) for one in kept)
            room = size if pages(size, page) <= free else 0
            if not room and options.split_maps and size <= capacity:
                room = max(0, free)
            outside.in_l2[name] = room
            outside.reused |= pages(room, page) > free - sum(
                pages(outside.in_l2[one], page) for one in alive if one not in kept
            )
            ddr += size - room
            outside.ddr_peak = max(outside.ddr_peak, ddr)
            outside.l2_peak = max(outside.l2_peak, room + sum(outside.in_l2[one] for one in kept))
        for read in {read.name for read in operator.reads}:
            if read in outside.in_l2 and last[read] == index:
                ddr -= maps[read].size - outside.in_l2[read]


def _weights(outside: Outside, weights: dict[int, int], room: int, options: PassOptions) -> None:
    """R8 (inferred): tensors by falling size, those larger than the room left out, up to the first that fails."""
    for index in sorted(weights, key=lambda one: -weights[one]):
        if not weights[index] or (
            options.weights_stop and weights[index] > room and not outside.weights_in_l2
        ):
            continue
        if weights[index] <= room:
            outside.weights_in_l2.add(index)
            room -= weights[index]
        elif options.weights_stop:
            break
