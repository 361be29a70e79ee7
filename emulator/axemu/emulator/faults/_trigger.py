"""When a fault is due."""

from __future__ import annotations

import math
from random import Random

from axemu.emulator.faults._plan import Fault

NEVER = 1 << 62


class Trigger:
    """Tells of events that are counted from 1 which ones a fault befalls; `random` is the fault's own chance.

    The distance to the next one is drawn, not each event, so that an event costs a comparison.
    """

    __slots__ = ("_rate", "due", "random")

    def __init__(self, fault: Fault, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311  reproducible is the point
        self._rate = 1.0 if fault.at is None and fault.rate is None else fault.rate
        self.due = fault.at or self._gap()

    def take(self, event: int) -> bool:
        """Return whether the fault befalls `event`, and look for the next one."""
        if event < self.due:
            return False
        self.due = event + self._gap()
        return True

    def _gap(self) -> int:
        if self._rate is None:
            return NEVER
        if self._rate == 1:
            return 1
        return 1 + int(min(NEVER, math.log1p(-self.random.random()) / math.log1p(-self._rate)))
