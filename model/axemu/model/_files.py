"""Reading files nobody vouches for: bounded, typed, and always an error that names file, place and expectation."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, TypeGuard

from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded, shown

_MAX_TEXT = 1024


def read_json_object(path: Path) -> dict[str, Any]:
    """Read one JSON object from a file.

    Raises:
        InvalidArgument: the file is missing, unreadable, beyond `JSON_FILE`, no JSON, or holds no object.
    """
    try:
        content = read_bounded(path, JSON_FILE)
    except OSError as error:
        raise InvalidArgument(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidArgument(f"{path}: {error}") from error
    try:
        value = parse_json(content, JSON_FILE)
    except ValueError as error:
        raise InvalidArgument(
            f"{path}: not valid JSON, so truncated or damaged: {error}; copy it again, or compile the model again"
        ) from error
    if not isinstance(value, dict):
        raise InvalidArgument(f"{path}: holds a {type(value).__name__} where a JSON object is expected")
    return value


class Reader:
    """Typed access to a decoded JSON object; `where` says which file and place, for messages."""

    __slots__ = ("_values", "where")

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict):
            raise InvalidArgument(f"{where}: is {_kind(values)}, expected an object")
        self._values: Mapping[str, Any] = values
        self.where = where

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def fail(self, key: str, expected: str) -> NoReturn:
        """Raise InvalidArgument about `key`."""
        value = self._values.get(key)
        found = "missing" if key not in self._values else f"{_kind(value)} {shown(value)}"
        raise InvalidArgument(f"{self.where}: key {key!r} is {found}, expected {expected}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string fit for messages and file names, or `default` when the key is absent or null."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
            self.fail(key, f"a string of at most {_MAX_TEXT} printable characters")
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return an int from `low` to `high`, or `default` when the key is absent or null."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not is_integer(value) or not low <= value <= high:
            self.fail(key, f"an integer from {low} to {high}")
        return value

    def items(self, key: str, most: int) -> list[Any]:
        """Return a list of at most `most` items; empty when the key is absent or null."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.fail(key, f"a list of at most {most} items")
        return value

    def objects(self, key: str, most: int) -> list[Reader]:
        """Return a list of objects as readers."""
        return [
            Reader(item, f"{self.where}: {key}[{index}]") for index, item in enumerate(self.items(key, most))
        ]


def is_integer(value: object) -> TypeGuard[int]:
    """Tell whether a decoded JSON value is an integer (a truth value is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a decoded JSON value is a number that float64 holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def file_beside(directory: Path, spelled: str, where: str) -> Path:
    """Return the file of `directory` that a path in a manifest means.

    Manifests spell such paths as a bare name, relative to wherever the compiler ran, or absolute. None of the
    directories named need exist here and a stranger chose them, so only the last component counts.

    Raises:
        InvalidArgument: the name is no file name, the file is missing, or it is a link out of the directory.
    """
    name = PurePosixPath(spelled.replace("\\", "/")).name
    if name in ("", ".", ".."):
        raise InvalidArgument(f"{where}: {spelled[:200]!r} is not the name of a file")
    path = directory / name
    if not os.path.isfile(path):  # noqa: PTH113  a name too long for any file is false here, not an OSError
        raise InvalidArgument(f"{where}: names {spelled[:200]!r}, and there is no file {name} in {directory}")
    if not path.resolve().is_relative_to(directory.resolve()):
        raise InvalidArgument(
            f"{where}: {name} is a link to a place outside {directory}; copy the file there instead"
        )
    return path


def _kind(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
