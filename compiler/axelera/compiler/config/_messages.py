"""Validation errors in the words of a user who edits a TOML file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

__all__ = ["explain", "nearest"]


def nearest(word: object, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest of `valid`, or an empty string when nothing is close."""
    close = difflib.get_close_matches(str(word), list(valid), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Every problem of `error`, one per line, each with the property, the value and what was expected."""
    problems = [line for item in error.errors() for line in _problem(item, model)]
    listing = "\n".join(f"  - {problem}" for problem in problems)
    return f"{len(problems)} problem(s) in the compiler configuration:\n{listing}"


def _problem(item: Any, model: type[BaseModel]) -> list[str]:
    name = str(item["loc"][0]) if item["loc"] else ""
    if item["type"] in ("extra_forbidden", "no_such_attribute"):
        return [f"unknown property {name!r}{nearest(name, model.model_fields)}"]
    message: str = item["msg"].removeprefix("Value error, ")
    if not name:
        return message.splitlines()
    value = item["input"]
    choices = _choices(model.model_fields[name].annotation)
    if choices:
        listing = ", ".join(repr(choice) for choice in choices)
        return [f"{name} = {value!r} is not valid: expected one of {listing}{nearest(value, choices)}"]
    return [f"{name} = {value!r} is not valid: {message[0].lower()}{message[1:]}"]


def _choices(annotation: Any) -> list[str]:
    candidates = [annotation, *get_args(annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, Enum):
            return [str(member.value) for member in candidate]
    return []
