"""Accounting of a board's L2 memory: who holds how much, and whether one more fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axemu.driver._errors import IncompatibleDevice


@dataclass(frozen=True, slots=True)
class L2Holding:
    """L2 bytes that one loaded instance declares; `holder` tells which, for people."""

    holder: str
    size: int


def check_l2(held: Iterable[L2Holding], wanted: L2Holding, capacity: int, board: str) -> None:
    """Refuse `wanted` unless it fits beside what is held on `board`; all sizes in bytes.

    Raises:
        IncompatibleDevice: naming every holder and its bytes.
    """
    held = tuple(held)
    used = sum(holding.size for holding in held)
    if used + wanted.size <= capacity:
        return
    if wanted.size > capacity:
        advice = "recompile it with a smaller share of the board's resources"
    else:
        advice = "release one of them, or recompile with a smaller share of the board's resources"
    holders = (
        "; ".join(f"{holding.holder} holds {holding.size} B" for holding in held) or "nothing else is loaded"
    )
    raise IncompatibleDevice(
        f"{board}: {wanted.holder} declares {wanted.size} B of L2 pools in its model.json and "
        f"{max(capacity - used, 0)} B of {capacity} B are free ({holders}): {advice}"
    )
