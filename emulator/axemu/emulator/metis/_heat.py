"""From work to power to temperature. Orders of magnitude; nothing here has an effect on time.

A board is one warm body: power in, heat out through one thermal resistance, one heat capacity. Leakage that grows with
temperature, and voltages that fall with the clock, are not modelled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from axemu.chip import COOLINGS, POWER, PowerFigures

WAITING = ("start", "throttled", "ddr")
"""What of `BUSY` leaves the units of a core idle."""

LEAST = 0.02
"""The smallest thermal resistance in K/W that may be asked for, and the inverse of the largest."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What one board does per second: active cycles of all its cores, multiply-accumulates in their arrays, bytes through DDR.

    A core is active while it is held and waits neither for DDR nor for the MVM limit.
    """

    core_cycles: float = 0.0
    macs: float = 0.0
    memory_bytes: float = 0.0

    def times(self, factor: float) -> Activity:
        """Return `factor` times as much of everything."""
        return Activity(self.core_cycles * factor, self.macs * factor, self.memory_bytes * factor)


def active_ticks(units: Mapping[str, float]) -> float:
    """Return how many ticks cores were active, from ticks by `BUSY`."""
    return sum(ticks for unit, ticks in units.items() if unit not in WAITING)


@dataclass(frozen=True, slots=True)
class Power:
    """Watts of one board, by what draws them."""

    idle: float
    cores: float
    array: float
    memory: float

    @property
    def total(self) -> float:
        """Watts in all."""
        return self.idle + self.cores + self.array + self.memory


def power_of(activity: Activity, idle: float, figures: PowerFigures = POWER) -> Power:
    """Return the power of a board that draws `idle` watts when it does nothing."""
    return Power(
        idle,
        activity.core_cycles * float(figures.core_cycle),
        activity.macs * float(figures.array_mac),
        activity.memory_bytes * float(figures.memory_byte),
    )


@dataclass(frozen=True, slots=True)
class Body:
    """A warm body: ambient in °C, thermal resistance from junction to ambient in K/W, heat capacity in J/K."""

    ambient: float
    resistance: float
    capacity: float

    @property
    def time_constant(self) -> float:
        """Seconds after which all but 1/e of a change is done."""
        return self.resistance * self.capacity

    def settled(self, watts: float) -> float:
        """Return the temperature at which heat leaves as fast as it comes."""
        return self.ambient + self.resistance * watts

    def after(self, temperature: float, watts: float, seconds: float) -> float:
        """Return the temperature `seconds` after it was `temperature`."""
        end = self.settled(watts)
        return end + (temperature - end) * math.exp(-seconds / self.time_constant)

    def mean(self, temperature: float, watts: float, seconds: float) -> float:
        """Return the mean temperature of the `seconds` after it was `temperature`."""
        if not seconds:
            return temperature
        end, share = self.settled(watts), seconds / self.time_constant
        return end - (temperature - end) * math.expm1(-share) / share

    def time_to(self, goal: float, temperature: float, watts: float) -> float:
        """Return the seconds from `temperature` to `goal`; infinity if it is never reached."""
        end = self.settled(watts)
        if goal == temperature:
            return 0.0
        if (goal - temperature) * (end - goal) <= 0:
            return math.inf
        return self.time_constant * math.log((end - temperature) / (end - goal))


def cooled(cooling: str | float, ambient: float) -> Body:
    """Return a board cooled in a known way, or by so many K/W.

    Raises:
        ValueError: there is no such cooling; says which there are.
    """
    known = COOLINGS.get(str(cooling))
    if known is not None:
        return Body(ambient, float(known.resistance), float(known.capacity))
    try:
        resistance = float(cooling)
    except ValueError:
        resistance = math.nan
    if not LEAST <= resistance <= 1 / LEAST:
        raise ValueError(
            f"cooling {cooling!r} is unknown; known are {', '.join(COOLINGS)}, or a thermal resistance of {LEAST:g} to "
            f"{1 / LEAST:g} K/W"
        )
    return Body(ambient, resistance, float(next(iter(COOLINGS.values())).capacity))
