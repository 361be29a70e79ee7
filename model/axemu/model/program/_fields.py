"""Reading JSON that nobody vouches for: every access says which file and field was wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axemu.driver import InvalidArgument
from axemu.driver.bounded import shown
from axemu.model._files import read_json_object


@dataclass(frozen=True, slots=True)
class Field:
    """A JSON value and where it stands, for example `program.json: nodes[3].inputs`."""

    value: Any
    path: str

    def member(self, name: str) -> Field:
        """Return a member of an object; it must exist."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        if name not in self.value:
            raise InvalidArgument(f"{self.path}: {name!r} is missing; compile the model again")
        return Field(self.value[name], f"{self.path}.{name}")

    def mapping(self) -> dict[str, Field]:
        """Return the members of an object."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return {name: Field(value, f"{self.path}.{name}") for name, value in self.value.items()}

    def items(self, limit: int) -> list[Field]:
        """Return the entries of an array of at most `limit`."""
        if not isinstance(self.value, list):
            raise self._wrong("an array")
        if len(self.value) > limit:
            raise InvalidArgument(f"{self.path}: has {len(self.value)} entries, expected at most {limit}")
        return [Field(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self, limit: int = 1024) -> str:
        """Return a text of at most `limit` characters."""
        if not isinstance(self.value, str) or len(self.value) > limit:
            raise self._wrong(f"a text of at most {limit} characters")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """Return an integer within [low, high]."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not low <= self.value <= high:
            raise self._wrong(f"an integer within {low}..{high}")
        return self.value

    def number(self) -> float:
        """Return a finite number."""
        if not isinstance(self.value, (int, float)) or isinstance(self.value, bool):
            raise self._wrong("a number")
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._wrong("a finite number")
        return number

    def texts(self, limit: int) -> tuple[str, ...]:
        """Return an array of at most `limit` texts."""
        return tuple(item.text() for item in self.items(limit))

    def integers(self, limit: int, low: int, high: int) -> tuple[int, ...]:
        """Return an array of at most `limit` integers within [low, high]."""
        return tuple(item.integer(low, high) for item in self.items(limit))

    def _wrong(self, expected: str) -> InvalidArgument:
        return InvalidArgument(
            f"{self.path}: is {shown(self.value)}, expected {expected}; compile the model again"
        )


def read_json(path: Path) -> Field:
    """Parse a JSON file of a compiled model.

    Raises:
        InvalidArgument: unreadable, beyond `JSON_FILE`, not UTF-8, not JSON, no object, a repeated member, NaN or Infinity.
    """
    return Field(read_json_object(path), f"{path.name}: $")
