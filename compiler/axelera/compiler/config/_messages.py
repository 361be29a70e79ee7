"""Validation errors in the words of a user who edits a TOML file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from axemu.driver import bounded, nearest

__all__ = ["explain", "listed", "nearest", "shown", "unknown"]


MOST_PROBLEMS = 20
"""Problems that are spelled out: a file of thousands of unknown names is no configuration."""


def listed(problems: Sequence[str], where: str) -> str:
    """A message that lists `problems`, which were found in `where`."""
    lines = [f"  - {problem}" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        lines.append(f"  - and {len(problems) - MOST_PROBLEMS} more")
    return "\n".join([f"{len(problems)} problem(s) in {where}:", *lines])


def unknown(names: Sequence[object], valid: Collection[str]) -> list[str]:
    """One problem per unknown name, with the nearest valid one for as many as are shown."""
    return [
        f"unknown property {shown(name)}{nearest(name, valid) if number < MOST_PROBLEMS else ''}"
        for number, name in enumerate(names)
    ]


def shown(value: object) -> str:
    """A value in a message: not longer than a line."""
    return bounded.shown(getattr(value, "value", value))


def explain(error: ValidationError, model: type[BaseModel], where: str = "the compiler configuration") -> str:
    """Every problem of `error`, one per line, each with the property, the value and what was expected."""
    found: dict[str, tuple[object, list[str]]] = {}
    strangers = []
    problems = []
    for item in error.errors(include_url=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        if item["type"] in ("extra_forbidden", "no_such_attribute"):
            strangers.append(name)
        elif name:
            found.setdefault(name, (item["input"], []))[1].append(item["msg"].removeprefix("Value error, "))
        else:
            problems += item["msg"].removeprefix("Value error, ").splitlines()
    problems = [
        _invalid(name, value, messages, model) for name, (value, messages) in found.items()
    ] + problems
    return listed(problems + unknown(strangers, model.model_fields), where)


def _invalid(name: str, value: object, messages: list[str], model: type[BaseModel]) -> str:
    choices = _choices(model.model_fields[name].annotation)
    if choices:
        expected = f"expected one of {', '.join(repr(choice) for choice in choices)}{nearest(value, choices)}"
    else:
        expected = " or ".join(f"{message[0].lower()}{message[1:]}" for message in messages)
    return f"{name} = {shown(value)} is not valid: {expected}"


def _choices(annotation: Any) -> list[str]:
    candidates = [annotation, *get_args(annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, Enum):
            return [str(member.value) for member in candidate]
    return []
