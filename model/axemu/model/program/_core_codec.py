"""The program of a core as tables of numbers, names apart."""

from __future__ import annotations

import dataclasses
from typing import Any

from axemu.driver import InvalidArgument
from axemu.model.passes import Action, CoreProgram, Pass, Step, Tile, Transfer, Units
from axemu.model.program._fields import Field
from axemu.model.program._validate import MAX_ACTIONS, MAX_ENTRIES

VERBS = ("start", "await", "load", "run", "drained")
"""Verbs of actions, by the number that stands for each."""

_LARGEST = (1 << 48) - 1
_COUNTS = tuple(
    field.name
    for field in dataclasses.fields(Pass)
    if field.name not in ("layer", "role", "tile", "units", "waits")
)
_PASS_WIDTH = 2 + len(dataclasses.fields(Tile)) + len(dataclasses.fields(Units)) + len(_COUNTS) + 1
_TRANSFER_WIDTH = 6
_ACTION_WIDTH = 3


def encode_core(core: CoreProgram | None) -> dict[str, Any] | None:
    """Return a core's program as JSON-ready values."""
    if core is None:
        return None
    names: dict[str, int] = {}

    def number(name: str) -> int:
        return names.setdefault(name, len(names))

    passes = [
        [
            number(one.layer),
            number(one.role),
            *dataclasses.astuple(one.tile),
            *dataclasses.astuple(one.units),
            *(getattr(one, name) for name in _COUNTS),
            int(one.waits),
        ]
        for one in core.passes
    ]
    transfers = [
        [
            number(one.what),
            number(one.source),
            number(one.target),
            one.size,
            one.starts,
            int(one.beside_compute),
        ]
        for one in core.transfers
    ]
    steps = [
        [part for action in step.actions for part in (VERBS.index(action.verb), action.index, action.tasks)]
        for step in core.steps
    ]
    return {
        "passes": passes,
        "transfers": transfers,
        "steps": steps,
        "names": list(names),
        "pools": core.pools,
        "task_list": core.task_list,
        "inferred": list(core.inferred),
    }


def decode_core(table: Field, name: str) -> CoreProgram | None:
    """Return the program of a core; what it says is checked by `validate`.

    Raises:
        InvalidArgument: a value of the wrong type or sign, or a row of the wrong length; names file and field.
    """
    if table.value is None:
        return None
    names = table.member("names").texts(4 * MAX_ENTRIES)
    return CoreProgram(
        name=name,
        passes=tuple(_pass(row, names) for row in table.member("passes").items(MAX_ENTRIES)),
        transfers=tuple(_transfer(row, names) for row in table.member("transfers").items(2 * MAX_ENTRIES)),
        steps=tuple(_step(row) for row in table.member("steps").items(MAX_ENTRIES)),
        pools={key: field.integer(0, _LARGEST) for key, field in table.member("pools").mapping().items()},
        task_list=table.member("task_list").integer(0, _LARGEST),
        inferred=table.member("inferred").texts(100),
    )


def _row(field: Field, width: int) -> tuple[int, ...]:
    cells = field.integers(width, 0, _LARGEST)
    if len(cells) != width:
        raise InvalidArgument(f"{field.path}: has {len(cells)} entries, expected {width}")
    return cells


def _name(field: Field, names: tuple[str, ...], index: int) -> str:
    if index >= len(names):
        raise InvalidArgument(f"{field.path}: names entry {index}, expected one of {len(names)} names")
    return names[index]


def _pass(field: Field, names: tuple[str, ...]) -> Pass:
    layer, role, *cells = _row(field, _PASS_WIDTH)
    tile, cells = cells[:4], cells[4:]
    units, cells = cells[: len(Units.__slots__)], cells[len(Units.__slots__) :]
    return Pass(
        _name(field, names, layer),
        _name(field, names, role),
        Tile(*tile),
        Units(*units),
        waits=bool(cells[-1]),
        **dict(zip(_COUNTS, cells, strict=False)),
    )


def _transfer(field: Field, names: tuple[str, ...]) -> Transfer:
    what, source, target, size, starts, beside = _row(field, _TRANSFER_WIDTH)
    return Transfer(
        _name(field, names, what),
        _name(field, names, source),
        _name(field, names, target),
        size,
        starts,
        bool(beside),
    )


def _step(field: Field) -> Step:
    cells = field.integers(_ACTION_WIDTH * MAX_ACTIONS, 0, _LARGEST)
    if len(cells) % _ACTION_WIDTH:
        raise InvalidArgument(
            f"{field.path}: has {len(cells)} entries, expected a multiple of {_ACTION_WIDTH}"
        )
    actions = []
    for verb, index, tasks in zip(*[iter(cells)] * _ACTION_WIDTH, strict=True):
        if verb >= len(VERBS):
            raise InvalidArgument(f"{field.path}: names verb {verb}, expected at most {len(VERBS) - 1}")
        actions.append(Action(VERBS[verb], index, tasks))  # type: ignore[arg-type]
    return Step(tuple(actions))
