"""Power, temperature and what throttling leaves of a rate. Orders of magnitude."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from axemu.chip import AMBIENT, BOARD_HEAT, METIS, THERMAL
from axemu.driver import InvalidArgument
from axemu.emulator.metis import (
    LIMITS,
    Activity,
    Body,
    cooled,
    peak_macs_per_cycle,
    power_of,
    sustained,
)

LIMIT_NAMES = dict(
    zip(
        LIMITS,
        ("power limiter", "software throttle", "hardware throttle", "frequency stepping"),
        strict=True,
    )
)
"""What people call the limits."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one board does at some clock and MVM limit: frames per second, and its activity."""

    fps: float
    activity: Activity


Working = Callable[[int, float], Work]
"""What a board does at a clock in MHz and an MVM limit in percent."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Power in W and temperature of the junction in °C of one board. Orders of magnitude, simulated.

    `power_w` and `fps` hold before anything throttles, `settled_c` is where the temperature would go then. What is left is
    `sustained_fps`, at `sustained_w` and `sustained_c` (means; `hottest_c` at most), at a mean `sustained_mhz`. `limits` is
    the share of time that each of the four limits bites, `limited_by` the one that bites most ("nothing", or "shutdown" when
    the board stops after `seconds_to_shutdown`). Times count from an idle, settled board; None is never. `warning` is
    whether the firmware would warn, `slot_w` what the slot gives on average (None: not known).
    """

    ambient_c: float
    resistance_k_per_w: float
    fps: float
    power_w: float
    power_parts_w: dict[str, float]
    settled_c: float
    sustained_fps: float
    sustained_w: float
    sustained_c: float
    hottest_c: float
    sustained_mhz: float
    limits: dict[str, float]
    limited_by: str
    seconds_to_throttle: float | None
    seconds_to_shutdown: float | None
    warning: bool
    slot_w: float | None

    @property
    def core_temps(self) -> tuple[float, ...]:
        """What the board's sensors show in the long run: one body, so all the same."""
        return (self.sustained_c,) * int(THERMAL.sensors)


def heat_of(
    working: Working,
    board: str,
    clock: int = 800,
    mvm_utilisation: float = 100.0,
    ambient: float | None = None,
    cooling: str | float | None = None,
    power_limit: float | None = None,
) -> Heat:
    """Return power and temperature of one board, and what throttling leaves of its rate.

    Args:
        working: what the board does; :func:`proportional` makes one from a single measurement.
        board: name of the board (`axemu.chip.BOARDS`).
        clock: its clock.
        mvm_utilisation: its MVM limit.
        ambient: °C; None means that of a room.
        cooling: name of a cooling (`axemu.chip.COOLINGS`) or a thermal resistance in K/W; None means the board's.
        power_limit: watts that its limiter keeps to; None means the figure of the board.

    Raises:
        InvalidArgument: there is no such cooling, or the board has no limiter.
    """
    body, limit = check_heat(board, ambient, cooling, power_limit)
    known = BOARD_HEAT[board]
    idle = float(known.idle_power)
    at = cache(working)

    def load(clock: int, percent: float) -> float:
        return power_of(at(clock, percent).activity, idle).total

    full = at(clock, mvm_utilisation)
    power = power_of(full.activity, idle)
    held = sustained(load, body, idle, clock, mvm_utilisation, limit)
    most_biting = max(held.limits, key=held.limits.__getitem__)
    by = LIMIT_NAMES[most_biting] if held.limits[most_biting] else "nothing"
    return Heat(
        ambient_c=body.ambient,
        resistance_k_per_w=body.resistance,
        fps=full.fps,
        power_w=power.total,
        power_parts_w={
            "idle": power.idle,
            "cores": power.cores,
            "array": power.array,
            "memory": power.memory,
        },
        settled_c=body.settled(power.total),
        sustained_fps=sum(level.share * at(level.clock_mhz, level.mvm_percent).fps for level in held.levels),
        sustained_w=held.watts,
        sustained_c=held.temperature,
        hottest_c=held.hottest,
        sustained_mhz=sum(level.share * level.clock_mhz for level in held.levels),
        limits=held.limits,
        limited_by=by if held.seconds_to_shutdown is None else "shutdown",
        seconds_to_throttle=held.seconds_to_throttle,
        seconds_to_shutdown=held.seconds_to_shutdown,
        warning=held.hottest >= float(THERMAL.warning),
        slot_w=None if known.slot_power is None else float(known.slot_power),
    )


def check_heat(
    board: str, ambient: float | None, cooling: str | float | None, power_limit: float | None
) -> tuple[Body, float]:
    """Return how a board is cooled, and the watts that its limiter keeps to; arguments and errors as of :func:`heat_of`."""
    known = BOARD_HEAT[board]
    room = AMBIENT.value if ambient is None else ambient
    if not AMBIENT.low <= room <= AMBIENT.high:
        raise InvalidArgument(f"ambient {room:g} °C is outside {AMBIENT.low:g} to {AMBIENT.high:g} °C")
    try:
        body = cooled(known.cooling if cooling is None else cooling, room)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    limit = math.inf if known.power_limit is None else float(known.power_limit)
    if power_limit is None:
        return body, limit
    if known.power_limit is None:
        having = ", ".join(name for name, one in BOARD_HEAT.items() if one.power_limit is not None)
        raise InvalidArgument(f"power limit: board {board} has no limiter; {having} has")
    if not power_limit > 0:
        raise InvalidArgument(f"power limit {power_limit:g} W is not above 0")
    return body, min(limit, power_limit)


def proportional(work: Work, clock: int = 800) -> Working:
    """Return what a board does at other clocks and MVM limits, if all goes with the clock and a limit bounds the mean activity.

    A simulation at each knows better (memory and host do not go with the clock, and the limit bounds each pass); this
    needs one measurement of `work`, made at `clock` without a limit.
    """
    peak = float(METIS.cores) * peak_macs_per_cycle(METIS) * clock * 1e6
    use = work.activity.macs / peak

    def working(other: int, percent: float) -> Work:
        factor = other / clock * min(1.0, percent / 100 / use if use else 1.0)
        return Work(work.fps * factor, work.activity.times(factor))

    return working
