"""What the program of a core has to obey."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from axemu.driver.bounded import shown
from axemu.model.passes import CoreProgram, Units

MAX_CYCLES = 1 << 40
"""Cycles of each unit in all: a core takes minutes for so many."""
MAX_BYTES = 1 << 40
"""Bytes of all transfers together."""
MAX_MACS = 1 << 52
POOLS = ("ddr_input", "ddr_const", "ddr", "l2_const", "l2", "l1", "ddr_output")
"""Where transfers begin and end."""


def core_problems(core: CoreProgram) -> Iterator[str]:
    """Yield what is wrong: sums that no call has, unknown pools, actions that could never be done or come twice."""
    counts = {name: [getattr(one.units, name) for one in core.passes] for name in Units.__slots__}
    counts |= {
        name: [getattr(one, name) for one in core.passes] for name in ("load_cycles", "gathers", "macs")
    }
    for name, amounts in counts.items():
        most = MAX_MACS if name == "macs" else MAX_CYCLES
        if sum(amounts) > most or min(amounts, default=0) < 0:
            yield f"passes have {name} {shown(amounts)}, {sum(amounts)} in all, expected none negative and at most {most}"
    for number, one in enumerate(core.passes):
        if one.lookups + one.products > one.units.vector:
            yield (
                f"pass {number} of {one.layer!r} has {one.lookups} look-ups and {one.products} products, expected at "
                f"most its {one.units.vector} vector instructions"
            )
    moved = sum(one.size for one in core.transfers)
    if moved > MAX_BYTES or min((one.size for one in core.transfers), default=0) < 0:
        yield f"transfers move {moved} bytes in all, expected none negative and at most {MAX_BYTES}"
    for number, transfer in enumerate(core.transfers):
        for pool in (transfer.source, transfer.target):
            if pool not in POOLS:
                yield f"transfer {number} of {transfer.what!r} names pool {pool!r}, expected one of {', '.join(POOLS)}"
    yield from _action_problems(core)


def _action_problems(core: CoreProgram) -> Iterator[str]:
    started: set[int] = set()
    awaited: set[int] = set()
    run: set[int] = set()
    known = {"start": len(core.transfers), "await": len(core.transfers)}
    for action in chain.from_iterable(step.actions for step in core.steps):
        if not 0 <= action.index < known.get(action.verb, len(core.passes)):
            yield f"action {action.verb!r} names {action.index}, which is none"
            continue
        if action.verb == "await":
            if action.index not in started or action.index in awaited:
                yield f"transfer {action.index} is awaited before it was started, or twice"
            awaited.add(action.index)
        for verb, seen in (("start", started), ("run", run)):
            if action.verb == verb:
                if action.index in seen:
                    yield f"action {verb!r} of {action.index} comes twice"
                seen.add(action.index)
    if len(run) < len(core.passes):
        yield f"{len(core.passes) - len(run)} passes are never run"
