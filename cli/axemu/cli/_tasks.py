"""`axemu explain --tasks`: the program of a core, read as one would read the real one."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from axemu.cli._terminal import columns, ends, folded

if TYPE_CHECKING:
    from axemu.model.passes import CoreProgram, Pass, Step
    from axemu.studies import Scenario

LETTERS = {
    "feed": "f",
    "array": "a",
    "adder": "+",
    "second": "s",
    "vector": "v",
    "drain": "d",
    "depthwise": "w",
}
HEAD = f"{'pass':>5} {'role':14} {'tile':>5} r {'cycles':>7} {'load':>6} {'KiB':>5} w busiest operator"
LEGEND = (
    "step by step. r: copies of the kernel; load: cycles of loading the array; KiB: weights; w: waits for the drain; "
    "busiest: " + ", ".join(f"{letter} {name}" for name, letter in LETTERS.items())
)


def show_tasks(scenario: Scenario, *, as_json: bool) -> None:
    """Print the program of a scenario's model on stdout; with `as_json` a remark goes to stderr."""
    from axemu.studies import core_program, program_to_dict  # noqa: PLC0415

    program = core_program(scenario)
    if as_json:
        print(json.dumps(program_to_dict(program), indent=1))
        print(REMARK, file=sys.stderr)
        return
    for line in task_lines(program):
        print(line)


REMARK = "simulated: planned by rules read off two programs of the vendor's compiler"


def task_lines(program: CoreProgram) -> Iterator[str]:
    """Return the program as text: totals, rules that were inferred, then step by step."""
    yield from _summary(program)
    yield ""
    yield from folded("", LEGEND, 10)
    yield HEAD
    for number, step in enumerate(program.steps):
        yield from _step(program, number, step)
        for action in step.actions:
            if action.verb == "run":
                yield _pass(action.index, program.passes[action.index])


def _summary(program: CoreProgram) -> Iterator[str]:
    from axelera.compiler.planning.passes import RULES  # noqa: PLC0415
    from axemu.model.passes import totals_of  # noqa: PLC0415

    totals = totals_of(program)
    yield f"{program.name}: the program of one core for one call"
    yield from folded("", REMARK, 10)
    yield (
        f"  {totals.passes} passes, {len(program.steps)} steps, {totals.waits} waits for a drain, "
        f"{totals.tasks} tasks of {program.task_list} bytes"
    )
    yield (
        f"  {totals.pass_cycles / 1e3:.1f} k cycles of passes, {totals.load_cycles / 1e3:.1f} k of loading the array"
    )
    yield f"  {totals.weight_bytes / 1e6:.2f} MB of weights as stored, replicated"
    units = ", ".join(f"{name} {getattr(totals.units, name) / 1e3:.0f}" for name in totals.units.__slots__)
    yield from folded("k cycles", units, 10)
    yield from folded("pools", ", ".join(f"{name} {size}" for name, size in program.pools.items()), 10)
    for route, (size, beside) in totals.routes.items():
        yield f"  {route:14} {size:>11} bytes, {beside:>11} beside compute"
    for role, (count, cycles, load, weights) in totals.roles.items():
        yield f"  {role:22} {count:>5} passes {cycles / 1e3:>8.1f} + {load / 1e3:>6.1f} k cycles {weights / 1024:>8.0f} KiB"
    inferred = [RULES[code] for code in program.inferred]
    yield "  inferred rules in use:" if inferred else "  every rule in use was verified"
    for rule in inferred:
        switch = f" (option {rule.switch})" if rule.switch else ""
        yield from folded(rule.code, f"{rule.text}{switch}", 10)


def _step(program: CoreProgram, number: int, step: Step) -> list[str]:
    moved: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for action in step.actions:
        if action.verb == "start":
            transfer = program.transfers[action.index]
            routes = moved[transfer.beside_compute]
            routes[transfer.route] = routes.get(transfer.route, 0) + transfer.size
    waited, beside = (
        ", ".join(f"{route} {size / 1024:.0f}" for route, size in moved[key].items()) for key in (False, True)
    )
    parts = [f"step {number}: {step.tasks} tasks"]
    parts += [f"KiB waited for: {waited}"] if waited else []
    parts += [f"beside compute: {beside}"] if beside else []
    room = columns()
    line = "; ".join(parts)
    return [line] if room is None else textwrap.wrap(line, room, subsequent_indent=" " * 6)


def _pass(number: int, one: Pass) -> str:
    tile = f"{one.tile.index + 1}/{one.tile.count}" if one.tile.count > 1 else ""
    load = str(one.load_cycles) if one.load_cycles else ""
    weights = f"{one.weight_bytes / 1024:.0f}" if one.weight_bytes else ""
    busiest = "".join(letter for name, letter in LETTERS.items() if name in one.units.busiest)
    line = (
        f"{number:>5} {one.role:14} {tile:>5} {one.copies or '':>1} {one.units.cycles:>7} {load:>6} {weights:>5} "
        f"{'w' if one.waits else ' '} {busiest:7} "
    )
    return line + _name(one.layer, len(line))


def _name(name: str, used: int) -> str:
    room = columns()
    return name if room is None else ends(name, max(10, room - used))
