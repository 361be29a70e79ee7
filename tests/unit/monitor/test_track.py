"""Rates are those since the snapshot before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.monitor._snapshots import snapshot

from axemu.emulator.watching import Snapshot
from axemu.monitor import Track, Tracks


def test_a_first_snapshot_tells_the_rates_of_all_so_far() -> None:
    rates = Track().follow(snapshot(100, 2.0, 500))
    assert (rates.window, rates.fps[0], rates.mean_fps[0]) == (2.0, 250.0, 250.0)
    assert rates.shares["metis-0:1:0", "core2"] == 0.5
    assert rates.shares["metis-0:1:0", "ddr"] == 0.25
    assert rates.bytes_per_second["metis-0:1:0", "ddr"] == 1e9


def test_later_ones_tell_those_since(run_of: list[Snapshot]) -> None:
    track = Track()
    found = [track.follow(one) for one in run_of]
    assert [one.fps[0] for one in found] == [0.0, 500.0, 200.0, 100.0]
    assert found[-1].mean_fps[0] == 250.0
    assert found[-1].history[0] == (0.0, 500.0, 200.0, 100.0)


def test_virtual_time_that_stands_still_changes_no_rate(run_of: list[Snapshot]) -> None:
    track = Track()
    for one in run_of[:3]:
        track.follow(one)
    rates = track.follow(run_of[2].model_copy(update={"at": 110.0}))
    assert (rates.fps[0], rates.snapshot.at) == (200.0, 110.0)


def test_a_live_board_without_frames_has_no_rate(run_of: list[Snapshot]) -> None:
    track = Track()
    for moment in (100.0, 101.0):
        rates = track.follow(run_of[1].model_copy(update={"at": moment, "pace": "realtime"}))
    assert rates.fps[0] == 0.0


def test_the_same_snapshot_twice_counts_once(run_of: list[Snapshot]) -> None:
    track = Track()
    assert track.follow(run_of[1]) is track.follow(run_of[1])


def test_contexts_are_followed_apart_and_forgotten_when_gone() -> None:
    tracks = Tracks()
    one, other = snapshot(100, 1.0, 10), snapshot(100, 1.0, 20, pid=8)
    assert [rates.fps[0] for rates in tracks.follow([one, other])] == [10.0, 20.0]
    assert [rates.snapshot.pid for rates in tracks.follow([other])] == [8]


@given(st.lists(st.tuples(st.floats(1e-3, 10), st.integers(0, 10_000)), min_size=1, max_size=20))
def test_rates_times_windows_add_up_to_all_frames(parts: list[tuple[float, int]]) -> None:
    track, elapsed, frames, counted = Track(), 0.0, 0, 0.0
    for moment, (window, more) in enumerate(parts):
        elapsed, frames = elapsed + window, frames + more
        rates = track.follow(snapshot(moment, elapsed, frames))
        counted += rates.fps[0] * rates.window
    assert counted == pytest.approx(frames)
