"""What a card does to itself while it gets hot, and cools down."""

from __future__ import annotations

from collections.abc import Iterator

from axemu.chip import THERMAL
from axemu.emulator.faults._conditions import FULL_CLOCK, Conditions
from axemu.emulator.metis import Ladder


def throttled(temperatures: Iterator[float], seconds: float) -> Iterator[Conditions]:
    """Yield the caps at each of the temperatures (°C), which are `seconds` apart, up to the one that shuts the chip down."""
    ladder = Ladder(FULL_CLOCK)
    for celsius in temperatures:
        if celsius >= THERMAL.shutdown.value:
            return
        ladder.settle(celsius)
        ladder.step(celsius, seconds)
        yield Conditions(clock_mhz=ladder.slowed, mvm_percent=int(ladder.percent(100)), celsius=celsius)


def triangle(start: float, peak: float, frames: int) -> Iterator[float]:
    """Yield temperatures that rise to `peak` in the middle and fall back."""
    half = max(1, (frames - 1) // 2)
    for frame in range(frames):
        yield start + (peak - start) * min(1.0, min(frame, frames - 1 - frame) / half)
