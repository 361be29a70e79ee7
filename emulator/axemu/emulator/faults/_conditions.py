"""What a frame runs under beside the settings of its board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.chip import METIS

FULL_CLOCK = int(METIS.clock.value)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Caps of the clock (MHz), the MVM utilisation and the link's rate (percent); how long the link is down (µs).

    `celsius` is the chip's temperature, None for the one that is configured. `flips` are bits of the results that arrive
    wrong, each as a place between 0 and 1.
    """

    clock_mhz: int = FULL_CLOCK
    mvm_percent: int = 100
    link_percent: int = 100
    link_stall_us: int = 0
    celsius: float | None = None
    flips: tuple[float, ...] = ()

    def and_(self, other: Conditions) -> Conditions:
        """Return both together."""
        degrees = [one.celsius for one in (self, other) if one.celsius is not None]
        return Conditions(
            clock_mhz=min(self.clock_mhz, other.clock_mhz),
            mvm_percent=min(self.mvm_percent, other.mvm_percent),
            link_percent=min(self.link_percent, other.link_percent),
            link_stall_us=self.link_stall_us + other.link_stall_us,
            celsius=max(degrees, default=None),
            flips=self.flips + other.flips,
        )


CLEAR = Conditions()


def flip(tensors: Sequence[npt.NDArray[np.int8]], places: Sequence[float]) -> None:
    """Flip bits of flat tensors in place, each once; 0 is the first bit of the first one, 1 the end of the last."""
    ends = np.cumsum([tensor.size * 8 for tensor in tensors])
    total = int(ends[-1])
    flipped: set[int] = set()
    for place in places[:total]:
        bit = int(place * total) % total
        while bit in flipped:
            bit = (bit + 1) % total
        flipped.add(bit)
        which = int(np.searchsorted(ends, bit, "right"))
        byte, shift = divmod(bit - int(ends[which - 1] if which else 0), 8)
        tensors[which].view(np.uint8)[byte] ^= 1 << shift
