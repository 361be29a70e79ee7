"""A figure of the hardware: value, unit, source, provenance and the range it may lie in."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any


class Provenance(enum.StrEnum):
    """Where a figure comes from, strongest first."""

    PUBLISHED = "published"
    DOCUMENTED = "documented"
    MEASURED = "measured-by-third-party"
    DERIVED = "derived"
    CALIBRATED = "calibrated"
    ASSUMED = "assumed"


STRENGTH = {provenance: rank for rank, provenance in enumerate(Provenance)}
"""Rank of each provenance; a larger rank is weaker."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about the chip, a board, a link or a host.

    `low` and `high` bound what the true value may be; they equal `value` where the source leaves no doubt.
    """

    value: float
    unit: str
    source: str
    provenance: Provenance
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a range that does not hold the value."""
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"figure {self.value} {self.unit} lies outside its range {self.low}..{self.high}"
            )

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return round(self.value)

    def with_value(self, value: float, source: str, provenance: Provenance) -> Figure:
        """Return the figure with another value; the range is widened to hold it."""
        return replace(
            self,
            value=value,
            source=source,
            provenance=provenance,
            low=min(self.low, value),
            high=max(self.high, value),
        )


def figure(
    value: float, unit: str, source: str, provenance: Provenance, bounds: tuple[float, float] | None = None
) -> Figure:
    """Make a figure; without `bounds` the range is the value itself."""
    low, high = bounds or (value, value)
    return Figure(value, unit, source, provenance, low, high)


def weakest(figures: Iterable[Figure]) -> Provenance:
    """Return the weakest provenance among `figures`, which is what a result resting on them may claim."""
    return max((f.provenance for f in figures), key=STRENGTH.__getitem__, default=Provenance.PUBLISHED)


def figures_of(holder: Any) -> dict[str, Figure]:
    """Return the figures that a dataclass instance holds, by name."""
    held = {item.name: getattr(holder, item.name) for item in fields(holder)}
    return {name: value for name, value in held.items() if isinstance(value, Figure)}
