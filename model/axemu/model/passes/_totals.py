"""Sums over a core's program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axemu.model.passes._program import CoreProgram, Units


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a program; cycles are at unit rates, `routes` maps a route to its bytes and those beside compute.

    `roles` maps a role to its passes, cycles of their busiest units, loading cycles and weight bytes.
    """

    passes: int
    waits: int
    tasks: int
    load_cycles: int
    pass_cycles: int
    weight_bytes: int
    units: Units
    routes: dict[str, tuple[int, int]]
    roles: dict[str, tuple[int, int, int, int]]


def add_units(units: Iterable[Units]) -> Units:
    """Add units up, each for itself."""
    sums = dict.fromkeys(Units.__slots__, 0)
    for one in units:
        for name in sums:
            sums[name] += getattr(one, name)
    return Units(**sums)


def totals_of(program: CoreProgram) -> Totals:
    """Add a program up."""
    routes: dict[str, tuple[int, int]] = {}
    for transfer in program.transfers:
        size, beside = routes.get(transfer.route, (0, 0))
        routes[transfer.route] = size + transfer.size, beside + transfer.size * transfer.beside_compute
    roles: dict[str, tuple[int, int, int, int]] = {}
    for one in program.passes:
        count, cycles, load, weights = roles.get(one.role, (0, 0, 0, 0))
        roles[one.role] = (
            count + 1,
            cycles + one.units.cycles,
            load + one.load_cycles,
            weights + one.weight_bytes,
        )
    return Totals(
        passes=len(program.passes),
        waits=sum(one.waits for one in program.passes),
        tasks=sum(step.tasks for step in program.steps),
        load_cycles=sum(one.load_cycles for one in program.passes),
        pass_cycles=sum(one.units.cycles for one in program.passes),
        weight_bytes=sum(one.weight_bytes for one in program.passes),
        units=add_units(one.units for one in program.passes),
        routes=routes,
        roles=roles,
    )
