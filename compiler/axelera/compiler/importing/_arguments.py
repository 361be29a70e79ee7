"""Arguments of operators of a TorchScript program, taken apart by type."""

from __future__ import annotations

from dataclasses import dataclass

from axelera.compiler.importing._refusal import Source
from axemu.driver import IncompatibleDevice
from axemu.model.torchscript import Argument, Operation


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call; every access says which was wrong."""

    operation: Operation
    source: Source

    def count(self, least: int, most: int) -> None:
        """Refuse another number of arguments."""
        found = len(self.operation.arguments)
        if not least <= found <= most:
            raise self.unknown(f"has {found} arguments")

    def at(self, place: int) -> Argument:
        """Return an argument."""
        return self.operation.arguments[place]

    def integers(self, place: int, count: int, low: int = 0, high: int = 1 << 15) -> tuple[int, ...]:
        """Return a list of `count` integers."""
        value = self.at(place)
        if (
            not isinstance(value, tuple)
            or len(value) != count
            or not all(type(item) is int and low <= item <= high for item in value)
        ):
            raise self.unknown(
                f"has argument {place} that is no list of {count} integers within {low}..{high}"
            )
        return tuple(int(item) for item in value)  # type: ignore[arg-type]

    def expect(self, place: int, *allowed: object) -> None:
        """Refuse a value that is none of `allowed`, types included."""
        value = self.at(place)
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise self.unknown(f"has argument {place} other than {' or '.join(map(repr, allowed))}")

    def unknown(self, what: str) -> IncompatibleDevice:
        """Return the refusal of the call."""
        return self.source.unknown(self.operation.module, f"operator {self.operation.name!r} {what}")
