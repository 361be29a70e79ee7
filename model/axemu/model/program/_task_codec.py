"""Tasks as a table: one row per task, one column per field of the dataclass."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

from axemu.driver import IncompatibleDevice, InternalError, InvalidArgument
from axemu.model.program._fields import Field
from axemu.model.program._tasks import Task
from axemu.model.program._validate import MAX_ENTRIES

_LARGEST = (1 << 62) - 1
_DROPPED = frozenset({"io_ddr_bytes"})
"""Fields of earlier versions that nothing reads any more."""


def encode_tasks(tasks: tuple[Task, ...]) -> dict[str, Any]:
    """Return {"fields": names, "rows": values} for a tuple of `Task`."""
    names = [field.name for field in dataclasses.fields(Task)]
    return {"fields": names, "rows": [[getattr(task, name) for name in names] for task in tasks]}


def decode_tasks(table: Field) -> tuple[Task, ...]:
    """Return the tasks of a table; fields it lacks take their defaults.

    Raises:
        IncompatibleDevice: a field this SDK does not know.
        InvalidArgument: a value of the wrong type or sign, or a row of the wrong length.
    """
    hints = get_type_hints(Task)
    names = table.member("fields").texts(len(hints) + 100)
    unknown = sorted(set(names) - set(hints) - _DROPPED)
    if unknown:
        raise IncompatibleDevice(
            f"{table.path}.fields: this SDK does not know {unknown}; compile the model again with this version"
        )
    required = {
        field.name
        for field in dataclasses.fields(Task)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    if len(set(names)) != len(names) or not required <= set(names):
        raise InvalidArgument(
            f"{table.path}.fields: is {names}, expected each once and at least {sorted(required)}"
        )
    tasks = []
    for row in table.member("rows").items(MAX_ENTRIES):
        cells = row.items(len(names))
        if len(cells) != len(names):
            raise InvalidArgument(f"{row.path}: has {len(cells)} entries, expected {len(names)}")
        tasks.append(
            Task(
                **{
                    name: _cell(hints[name], cell)
                    for name, cell in zip(names, cells, strict=True)
                    if name not in _DROPPED
                }
            )
        )
    return tuple(tasks)


def _cell(kind: Any, cell: Field) -> Any:
    if kind is str:
        return cell.text()
    if kind is int:
        return cell.integer(0, _LARGEST)
    if kind is float:
        return cell.number()
    if kind == tuple[int, ...]:
        return cell.integers(MAX_ENTRIES, 0, _LARGEST)
    raise InternalError(f"tasks cannot store a field of type {kind}")
