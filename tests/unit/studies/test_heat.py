"""What throttling leaves of a rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.chip import BOARD_HEAT, COOLINGS, POWER
from axemu.driver import InvalidArgument
from axemu.emulator.metis import Activity
from axemu.studies import Work, heat_of, proportional

BUSY = Work(2000.0, Activity(core_cycles=2.8e9, macs=8e12, memory_bytes=1e9))
FULL = proportional(BUSY)


def test_a_cool_board_keeps_its_rate() -> None:
    heat = heat_of(FULL, "m2", ambient=25)
    watts = BOARD_HEAT["m2"].idle_power.value + sum(heat.power_parts_w.values()) - heat.power_parts_w["idle"]
    assert heat.power_w == pytest.approx(watts)
    assert heat.settled_c == pytest.approx(25 + COOLINGS["heatsink"].resistance.value * watts)
    assert (heat.sustained_fps, heat.sustained_mhz, heat.limited_by) == (2000, 800, "nothing")
    assert heat.core_temps == (heat.sustained_c,) * 5


def test_a_hot_box_costs_rate_and_says_by_which_limit() -> None:
    heat = heat_of(FULL, "m2", ambient=60, cooling="fanless")
    assert heat.limited_by == "hardware throttle"
    assert heat.settled_c > 105
    assert heat.hottest_c == pytest.approx(105)
    assert 0 < heat.sustained_fps < heat.fps
    assert heat.seconds_to_throttle
    assert heat.seconds_to_throttle > 0
    assert heat.warning


def test_a_board_beyond_all_cooling_shuts_down() -> None:
    heat = heat_of(FULL, "m2", ambient=70, cooling=25)
    assert heat.limited_by == "shutdown"
    assert (heat.sustained_fps, heat.sustained_w) == (0, 0)


def test_the_limiter_of_an_m2_max_trades_rate_for_power() -> None:
    heat = heat_of(FULL, "m2-max", power_limit=5)
    assert heat.limited_by == "power limiter"
    assert heat.sustained_w <= 5
    assert heat.sustained_fps < heat.fps


@given(room=st.floats(-20, 60), warmer=st.floats(0, 10))
def test_a_warmer_room_never_gives_more_frames(room: float, warmer: float) -> None:
    cool, warm = (heat_of(FULL, "m2", ambient=one, cooling="fanless") for one in (room, room + warmer))
    assert warm.sustained_fps <= cool.sustained_fps * 1.01


@given(share=st.floats(0, 1), ambient=st.floats(-20, 60))
def test_less_work_never_makes_a_hotter_board(share: float, ambient: float) -> None:
    less = proportional(Work(BUSY.fps * share, BUSY.activity.times(share)))
    calm, busy = (heat_of(one, "m2", ambient=ambient, cooling="fanless") for one in (less, FULL))
    assert calm.power_w <= busy.power_w
    assert calm.hottest_c <= busy.hottest_c + 1e-6


def test_work_goes_with_the_clock_and_an_mvm_limit_bounds_its_mean() -> None:
    assert FULL(400, 100) == Work(1000, BUSY.activity.times(0.5))
    use = BUSY.activity.macs / (4 * 32768 * 800e6)
    assert FULL(800, 1).fps == pytest.approx(2000 * 0.01 / use)
    assert FULL(800, 50) == BUSY


def test_measured_power_is_met_within_a_third() -> None:
    # ISSCC 2024: the chip at 2502 FPS of ResNet-50 took 7.1 W; a frame's cycles are 1.41 million, its MACs 4.09 G.
    frame = Activity(core_cycles=1.41e6, macs=4.09e9, memory_bytes=0.44e6)
    heat = heat_of(proportional(Work(2502, frame.times(2502))), "m2")
    assert heat.power_w == pytest.approx(7.1, rel=1 / 3)
    assert POWER.core_cycle.low < POWER.core_cycle.value < POWER.core_cycle.high


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ambient": 90}, "-20 to 70"),
        ({"cooling": "ice"}, "fan, heatsink, fanless"),
        ({"power_limit": 5}, "m2-max"),
    ],
)
def test_what_does_not_exist_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        heat_of(FULL, "m2", **wrong)  # type: ignore[arg-type]
