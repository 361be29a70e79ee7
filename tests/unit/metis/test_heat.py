"""Power and temperature against formulas on paper, and the throttling ladder against what it may never do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from axemu.chip import COOLINGS, POWER, THERMAL
from axemu.emulator.metis import (
    LIMITS,
    Activity,
    Body,
    Stretch,
    biting,
    cooled,
    course,
    limited,
    power_of,
    sustained,
)

WATTS = st.floats(0, 60)
DEGREES = st.floats(-20, 120)
BODIES = st.builds(Body, st.floats(-20, 70), st.floats(0.5, 20), st.floats(5, 50))
HARDWARE = float(THERMAL.throttle)
RELEASE = HARDWARE - float(THERMAL.throttle_release)


def flat(watts: float) -> Callable[[int, float], float]:
    """A board that draws the same whatever is done to it."""
    return lambda _clock, _percent: watts


def obedient(idle: float, work: float) -> Callable[[int, float], float]:
    """A board whose work goes with clock and MVM limit."""
    return lambda clock, percent: idle + work * clock / 800 * percent / 100


def some(stretches: object, seconds: float) -> list[Stretch]:
    passed, taken = 0.0, []
    for one in stretches:  # type: ignore[attr-defined]
        taken.append(one)
        passed += one.seconds
        if passed >= seconds:
            break
    return taken


def test_power_is_idle_power_and_what_each_cycle_product_and_byte_costs() -> None:
    power = power_of(Activity(core_cycles=2e9, macs=5e12, memory_bytes=10e9), idle=2.0)
    assert power.cores == pytest.approx(2e9 * POWER.core_cycle.value)
    assert power.array == pytest.approx(5e12 * POWER.array_mac.value)
    assert power.memory == pytest.approx(10e9 * POWER.memory_byte.value)
    assert power.total == pytest.approx(2.0 + power.cores + power.array + power.memory)


@pytest.mark.parametrize(
    ("use", "efficiency"), [(0.14, 11.0), (0.25, 12.7), (0.39, 13.3), (0.56, 14.0), (1.0, 15.0)]
)
def test_the_array_is_as_efficient_as_the_paper_measures_it(use: float, efficiency: float) -> None:
    # TOPS per watt over the use of the array; below a seventh of it what all cores draw counts more than the array.
    operations = use * 209.7e12
    clocked = 0.8
    assert operations / (power_of(Activity(macs=operations / 2), clocked).total * 1e12) == pytest.approx(
        efficiency, rel=0.05
    )


@given(activity=st.builds(Activity, *[st.floats(0, 1e13)] * 3), more=st.floats(1, 10), idle=WATTS)
def test_more_activity_never_takes_less_power(activity: Activity, more: float, idle: float) -> None:
    assert power_of(activity.times(more), idle).total >= power_of(activity, idle).total * (1 - 1e-12)


@given(body=BODIES, start=DEGREES, watts=WATTS, seconds=st.floats(0, 5000))
def test_a_step_of_power_is_an_exponential(body: Body, start: float, watts: float, seconds: float) -> None:
    end = body.ambient + body.resistance * watts
    left = math.exp(-seconds / (body.resistance * body.capacity))
    assert body.after(start, watts, seconds) == pytest.approx(start * left + end * (1 - left), abs=1e-9)


@given(body=BODIES, start=DEGREES, watts=WATTS)
def test_after_many_time_constants_the_temperature_is_settled(body: Body, start: float, watts: float) -> None:
    assert body.after(start, watts, 60 * body.time_constant) == pytest.approx(body.settled(watts), abs=1e-9)


@given(body=BODIES, start=DEGREES, watts=WATTS, first=st.floats(0, 500), second=st.floats(0, 500))
def test_two_stretches_are_as_one(
    body: Body, start: float, watts: float, first: float, second: float
) -> None:
    between = body.after(start, watts, first)
    assert body.after(between, watts, second) == pytest.approx(
        body.after(start, watts, first + second), abs=1e-9
    )


@given(body=BODIES, start=DEGREES, watts=WATTS, goal=DEGREES)
def test_a_temperature_is_reached_when_it_is_said_to_be(
    body: Body, start: float, watts: float, goal: float
) -> None:
    seconds = body.time_to(goal, start, watts)
    if seconds < math.inf:
        assert body.after(start, watts, seconds) == pytest.approx(goal, abs=1e-6)
    else:
        later = [body.after(start, watts, wait) for wait in (1, 100, 10_000)]
        assert all((one - goal) * (start - goal) >= 0 for one in later)


@given(body=BODIES, start=DEGREES, watts=WATTS, seconds=st.floats(0.01, 500))
def test_the_mean_temperature_is_that_of_many_small_stretches(
    body: Body, start: float, watts: float, seconds: float
) -> None:
    pieces = 400
    seen = [body.after(start, watts, seconds * (number + 0.5) / pieces) for number in range(pieces)]
    spread = abs(body.settled(watts) - start)
    assert body.mean(start, watts, seconds) == pytest.approx(
        sum(seen) / pieces, abs=1e-9 + spread * (seconds / body.time_constant / pieces) ** 2
    )


@given(body=BODIES, idle=st.floats(0, 5), work=st.floats(0, 30))
def test_a_cool_board_is_not_throttled_and_settles_by_the_formula(
    body: Body, idle: float, work: float
) -> None:
    assume(body.settled(idle + work) < HARDWARE)
    held = sustained(obedient(idle, work), body, idle)
    assert held.temperature == pytest.approx(body.ambient + body.resistance * (idle + work))
    assert (held.seconds_to_throttle, held.seconds_to_shutdown) == (None, None)
    assert set(held.limits.values()) == {0.0}


@given(idle=st.floats(0.5, 4), work=st.floats(2, 20), resistance=st.floats(4, 12), ambient=st.floats(0, 60))
def test_the_hardware_throttle_swings_between_its_edges_as_two_exponentials_do(
    idle: float, work: float, resistance: float, ambient: float
) -> None:
    body = Body(ambient, resistance, 20)
    load = obedient(idle, work)
    hot, cold = body.settled(load(800, 100)), body.settled(load(800, 1))
    assume(body.settled(idle) < RELEASE - 2)
    assume(hot > HARDWARE + 2)
    assume(cold < RELEASE - 2)
    held = sustained(load, body, idle)
    up = body.time_constant * math.log((hot - RELEASE) / (hot - HARDWARE))
    down = body.time_constant * math.log((HARDWARE - cold) / (RELEASE - cold))
    assert held.limits["hw_throttling"] == pytest.approx(down / (up + down), rel=1e-6)
    assert held.watts == pytest.approx((up * load(800, 100) + down * load(800, 1)) / (up + down))
    assert held.hottest == pytest.approx(HARDWARE)
    first = body.time_constant * math.log((hot - body.settled(idle)) / (hot - HARDWARE))
    assert held.seconds_to_throttle == pytest.approx(first)


LADDERS = {
    "body": BODIES,
    "idle": st.floats(0, 4),
    "work": st.floats(0, 40),
    "stubborn": st.floats(0, 6),
}


@given(**LADDERS)
@example(body=Body(70, 20, 5), idle=4, work=40, stubborn=6)
def test_heat_in_is_heat_out(body: Body, idle: float, work: float, stubborn: float) -> None:
    """In the long run mean temperature and mean power belong together, however the board is throttled."""
    held = sustained(obedient(idle + stubborn, work), body, idle)
    if held.seconds_to_shutdown is None:
        assert held.temperature == pytest.approx(body.settled(held.watts), abs=0.75)
        assert sum(level.share for level in held.levels) == pytest.approx(1)


@given(**LADDERS)
def test_the_ladder_keeps_to_its_rungs(body: Body, idle: float, work: float, stubborn: float) -> None:
    load = obedient(idle + stubborn, work)
    seen = some(course(load, body, body.settled(idle)), 300)
    for before, after in itertools.pairwise(seen):
        assert after.first == before.last < float(THERMAL.shutdown)
        assert abs(after.clock_mhz - before.clock_mhz) in (0, float(THERMAL.step))
    for one in seen:
        assert float(THERMAL.floor) <= one.clock_mhz <= 800
        assert one.mvm_percent in (100, float(THERMAL.throttle_mvm))
        assert set(one.limits) <= set(LIMITS)
        assert one.first <= max(body.settled(idle), float(THERMAL.shutdown))


@given(**LADDERS)
def test_changes_of_level_are_at_least_as_far_apart_as_the_hysteresis_takes(
    body: Body, idle: float, work: float, stubborn: float
) -> None:
    load = obedient(idle + stubborn, work)
    seen = some(course(load, body, body.settled(idle)), 300)
    passed, changes = 0.0, []
    for before, after in itertools.pairwise(seen):
        passed += before.seconds
        if "hw_throttling" in {*before.limits} ^ {*after.limits}:
            changes.append((passed, after.first))
    fastest = max(
        abs(body.settled(watts) - edge) for watts in (0, load(800, 100)) for edge in (RELEASE, HARDWARE)
    )
    for (early, low), (late, high) in itertools.pairwise(changes):
        assert abs(high - low) >= float(THERMAL.throttle_release) - 1e-6
        assert late - early >= abs(high - low) * body.time_constant / fastest * (1 - 1e-6)


@given(body=BODIES, idle=st.floats(0, 4), work=st.floats(0, 20), warmer=st.floats(0, 20))
def test_a_warmer_room_never_makes_a_cooler_board(
    body: Body, idle: float, work: float, warmer: float
) -> None:
    load = obedient(idle, work)
    cool, warm = (
        sustained(load, Body(body.ambient + more, body.resistance, body.capacity), idle)
        for more in (0, warmer)
    )
    assert warm.hottest >= cool.hottest - 1e-9
    if warm.seconds_to_throttle is None:
        assert cool.seconds_to_throttle is None
        assert warm.temperature == pytest.approx(cool.temperature + warmer)
    elif cool.seconds_to_throttle is not None:
        assert warm.seconds_to_throttle <= cool.seconds_to_throttle + 1e-9


def test_the_clock_falls_a_step_a_second_where_the_throttle_does_not_help() -> None:
    body = Body(25, 10, 30)
    seen = some(course(flat(9.5), body, 105), 600)
    slowed = [one.clock_mhz for one in seen if one.first >= float(THERMAL.stepping) - 0.5]
    assert slowed[:10] == sorted(slowed[:10], reverse=True)
    assert min(one.clock_mhz for one in seen) == float(THERMAL.floor)


def test_a_board_that_nothing_cools_shuts_down_when_the_exponential_says() -> None:
    body = Body(25, 10, 30)
    held = sustained(flat(20), body, 2)
    assert held.seconds_to_shutdown == pytest.approx(body.time_to(120, 45, 20))
    assert (held.watts, held.levels) == (0, ())


def test_the_limiter_takes_the_largest_limit_that_fits() -> None:
    load = obedient(3, 10)
    assert limited(load, 800, 100, 8.0) == 50
    assert limited(load, 400, 100, 8.0) == 100
    assert limited(load, 800, 100, 1.0) == 1
    held = sustained(load, Body(25, 2, 30), 3, power_limit=8.0)
    assert (held.watts, held.limits["power_limit"], held.seconds_to_throttle) == (8, 1, 0)


@pytest.mark.parametrize(
    ("temperature", "limits"),
    [(104, ()), (105, ("hw_throttling",)), (111, ("hw_throttling", "freq_downscaling"))],
)
def test_what_bites_at_a_temperature(temperature: float, limits: tuple[str, ...]) -> None:
    assert biting(temperature) == limits


def test_a_cooling_is_a_name_or_a_resistance() -> None:
    assert cooled("fan", 30).resistance == COOLINGS["fan"].resistance.value
    assert cooled(6.5, 30).settled(10) == 95
    assert cooled("6.5", 30) == cooled(6.5, 30)
    for wrong in ("ice", "-1", 0, float("nan"), 1e9):
        with pytest.raises(ValueError, match="fan, heatsink, fanless"):
            cooled(wrong, 30)
