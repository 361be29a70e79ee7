"""Scale and zero point."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantisation:
    """real = (q - zero_point) * scale; `scale` is a float32 value."""

    scale: float
    zero_point: int
