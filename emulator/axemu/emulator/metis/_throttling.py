"""What a hot board does: the documented throttling ladder, second by second, and what it comes to in the long run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from axemu.chip import CLOCK_MHZ, THERMAL, ThermalFigures
from axemu.emulator.metis._heat import Body

POWER_LIMIT = "power_limit"
SOFTWARE = "sw_throttling"
HARDWARE = "hw_throttling"
SLOWING = "freq_downscaling"

LIMITS = (POWER_LIMIT, SOFTWARE, HARDWARE, SLOWING)
"""The limits that may bite, by the names of `read_device_configuration` where it has one."""

HORIZON = 8
"""Time constants after which the first temperature is forgotten; as many again are averaged."""

SECOND = 1.0
"""From one step of the clock to the next."""

Load = Callable[[int, float], float]
"""Watts of a board at a clock in MHz and an MVM limit in percent."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds at one clock and MVM limit, from `first` to `last` °C. `limits` are those that bite."""

    seconds: float
    clock_mhz: int
    mvm_percent: float
    watts: float
    first: float
    last: float
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A clock and MVM limit that a board was at for a `share` of the time."""

    clock_mhz: int
    mvm_percent: float
    share: float


@dataclass(frozen=True, slots=True)
class Sustained:
    """What throttling comes to: means over time when the first temperature is forgotten.

    `levels` are what the board was at, `limits` maps each of `LIMITS` to the share of time it bites. `seconds_to_throttle`
    is how long after idling the first of them bites, `seconds_to_shutdown` when the board stops; None is never.
    """

    watts: float
    temperature: float
    hottest: float
    levels: tuple[Level, ...]
    limits: dict[str, float]
    seconds_to_throttle: float | None
    seconds_to_shutdown: float | None


@dataclass(slots=True)
class Ladder:
    """Which rungs of the throttling ladder a board stands on.

    `clock` is its clock in MHz where nothing slows it, `drop` what it is slowed by.
    """

    clock: int
    figures: ThermalFigures = THERMAL
    drop: float = 0.0
    throttles: dict[str, bool] = field(default_factory=lambda: {SOFTWARE: False, HARDWARE: False})

    @property
    def slowed(self) -> int:
        """The clock in force, in whole steps."""
        step = int(self.figures.step)
        return self.clock - int(self.drop // step) * step

    def edge(self, name: str) -> float:
        """Return the temperature at which a throttle begins, or ends if it is on."""
        starts = {SOFTWARE: self.figures.software, HARDWARE: self.figures.throttle}
        return float(starts[name]) - (float(self.figures.throttle_release) if self.throttles[name] else 0.0)

    def percent(self, allowed: float) -> float:
        """Return the MVM limit in force."""
        limits = {SOFTWARE: self.figures.software_mvm, HARDWARE: self.figures.throttle_mvm}
        return min([allowed, *(float(limits[name]) for name, on in self.throttles.items() if on)])

    def settle(self, temperature: float) -> None:
        """Take or leave throttles that `temperature` is beyond the edge of."""
        for name in self.throttles:
            self.throttles[name] = temperature >= self.edge(name)

    def step(self, temperature: float, seconds: float = 1.0) -> None:
        """Lower or raise the clock after `seconds` at `temperature`."""
        figures = self.figures
        change = float(figures.step) * seconds
        if temperature >= float(figures.stepping):
            self.drop = min(max(0.0, self.clock - float(figures.floor)), self.drop + change)
        elif temperature <= float(figures.stepping) - float(figures.step_release):
            self.drop = max(0.0, self.drop - change)


def biting(temperature: float, figures: ThermalFigures = THERMAL) -> tuple[str, ...]:
    """Return the limits that bite once a board has come up to `temperature` in °C."""
    begins = {SOFTWARE: figures.software, HARDWARE: figures.throttle, SLOWING: figures.stepping}
    return tuple(name for name, edge in begins.items() if temperature >= float(edge))


def limited(load: Load, clock_mhz: int, mvm_percent: float, limit: float) -> float:
    """Return the largest whole MVM limit up to `mvm_percent` that keeps the power to `limit` watts; 1 if none does.

    The limiter of a board acts within milliseconds, which next to heat is at once.
    """
    if load(clock_mhz, mvm_percent) <= limit:
        return mvm_percent
    fits, fails = 1, math.ceil(mvm_percent)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if load(clock_mhz, middle) <= limit:
            fits = middle
        else:
            fails = middle
    return float(fits)


def course(
    load: Load,
    body: Body,
    start: float,
    clock_mhz: int = CLOCK_MHZ,
    mvm_percent: float = 100,
    power_limit: float = math.inf,
    figures: ThermalFigures = THERMAL,
) -> Iterator[Stretch]:
    """Follow a board from `start` °C on, until it shuts down or for ever.

    Args:
        load: what it draws.
        body: how it is cooled.
        start: temperature in °C to begin with.
        clock_mhz: its clock where nothing slows it.
        mvm_percent: its MVM limit, likewise.
        power_limit: watts that its limiter keeps to.
        figures: the ladder.
    """
    ladder = Ladder(clock_mhz, figures)
    allowed: dict[int, float] = {}
    temperature = start
    ladder.settle(temperature)
    left = SECOND
    slowing, shutdown = float(figures.stepping), float(figures.shutdown)
    while temperature < shutdown:
        clock = ladder.slowed
        if clock not in allowed:
            allowed[clock] = limited(load, clock, mvm_percent, power_limit)
        percent = ladder.percent(allowed[clock])
        watts = load(clock, percent)
        calm = clock == clock_mhz and temperature < slowing  # no second changes the clock
        if calm:
            left = body.time_constant
        edges = [*(ladder.edge(name) for name in ladder.throttles), slowing, shutdown]
        times = [body.time_to(edge, temperature, watts) for edge in edges]
        span = min([left, *(time for time in times if time > 0)])
        first = temperature
        # Just beyond the edge where one is reached, so that it is not missed by a rounding.
        if span in times:
            temperature = math.nextafter(edges[times.index(span)], body.settled(watts))
        else:
            temperature = body.after(temperature, watts, span)
        limits = {POWER_LIMIT: allowed[clock] < mvm_percent, **ladder.throttles, SLOWING: clock < clock_mhz}
        yield Stretch(
            span, clock, percent, watts, first, temperature, tuple(name for name in LIMITS if limits[name])
        )
        ladder.settle(temperature)
        left -= span
        if left <= 0 or (calm and temperature >= slowing):
            ladder.step(temperature)
            left = SECOND


def sustained(
    load: Load,
    body: Body,
    idle: float,
    clock_mhz: int = CLOCK_MHZ,
    mvm_percent: float = 100,
    power_limit: float = math.inf,
    figures: ThermalFigures = THERMAL,
) -> Sustained:
    """Return what a board that drew `idle` watts comes to under `load`; the other arguments are those of :func:`course`."""
    start = body.settled(idle)
    allowed = limited(load, clock_mhz, mvm_percent, power_limit)
    watts = load(clock_mhz, allowed)
    if max(start, body.settled(watts)) < min(
        map(float, (figures.software, figures.throttle, figures.stepping))
    ):
        limits = dict.fromkeys(LIMITS, 0.0) | {POWER_LIMIT: float(allowed < mvm_percent)}
        end = body.settled(watts)
        since = 0.0 if limits[POWER_LIMIT] else None
        return Sustained(watts, end, max(start, end), (Level(clock_mhz, allowed, 1.0),), limits, since, None)
    off = dict.fromkeys(LIMITS, 0.0)
    if start >= float(figures.shutdown):
        return Sustained(0.0, body.ambient, start, (), off, 0.0, 0.0)
    passed = 0.0
    hottest = start
    throttled: float | None = None
    seen: list[Stretch] = []
    for stretch in course(load, body, start, clock_mhz, mvm_percent, power_limit, figures):
        if stretch.limits and throttled is None:
            throttled = passed
        passed += stretch.seconds
        hottest = max(hottest, stretch.last)
        if stretch.last >= float(figures.shutdown):
            return Sustained(0.0, body.ambient, hottest, (), off, throttled, passed)
        if passed > HORIZON * body.time_constant:
            seen.append(stretch)
        if passed > 2 * HORIZON * body.time_constant:
            break
    return _averaged(_whole_cycles(seen), body, hottest, throttled)


def _whole_cycles(seen: Sequence[Stretch]) -> Sequence[Stretch]:
    """Cut what was seen to where it comes to a level for the first and the last time, if it changes at all."""
    levels = [(one.clock_mhz, one.mvm_percent) for one in seen]
    changes = [place for place in range(1, len(seen)) if levels[place] != levels[place - 1]]
    for level in (levels[place] for place in reversed(changes)):
        same = [place for place in changes if levels[place] == level]
        if len(same) > 1:
            return seen[same[0] : same[-1]]
    return seen


def _averaged(stretches: Sequence[Stretch], body: Body, hottest: float, throttled: float | None) -> Sustained:
    whole = sum(one.seconds for one in stretches)
    shares: dict[tuple[int, float], float] = {}
    limits = dict.fromkeys(LIMITS, 0.0)
    watts = temperature = 0.0
    for one in stretches:
        share = one.seconds / whole
        level = one.clock_mhz, one.mvm_percent
        shares[level] = shares.get(level, 0.0) + share
        watts += share * one.watts
        temperature += share * body.mean(one.first, one.watts, one.seconds)
        for name in one.limits:
            limits[name] += share
    levels = tuple(Level(*level, share) for level, share in sorted(shares.items(), reverse=True))
    return Sustained(watts, temperature, hottest, levels, limits, throttled, None)
