"""What a card does to itself while it gets hot, and cools down."""

from __future__ import annotations

from collections.abc import Iterator

from axemu.chip import THERMAL
from axemu.emulator.faults._conditions import FULL_CLOCK, Conditions


def throttled(temperatures: Iterator[float], seconds: float) -> Iterator[Conditions]:
    """Yield the caps at each of the temperatures (°C), which are `seconds` apart, up to the one that shuts the chip down."""
    limited = False
    lowest = FULL_CLOCK - int(THERMAL.floor)
    drop = 0.0
    for celsius in temperatures:
        if celsius >= THERMAL.shutdown.value:
            return
        hot = THERMAL.throttle.value - (THERMAL.throttle_release.value if limited else 0)
        limited = celsius >= hot
        if celsius >= THERMAL.stepping.value:
            drop = min(lowest, drop + THERMAL.step.value * seconds)
        elif celsius <= THERMAL.stepping.value - THERMAL.step_release.value:
            drop = max(0.0, drop - THERMAL.step.value * seconds)
        steps = int(drop // THERMAL.step.value)
        yield Conditions(
            clock_mhz=FULL_CLOCK - steps * int(THERMAL.step),
            mvm_percent=int(THERMAL.throttle_mvm) if limited else 100,
            celsius=celsius,
        )


def triangle(start: float, peak: float, frames: int) -> Iterator[float]:
    """Yield temperatures that rise to `peak` in the middle and fall back."""
    half = max(1, (frames - 1) // 2)
    for frame in range(frames):
        yield start + (peak - start) * min(1.0, min(frame, frames - 1 - frame) / half)
