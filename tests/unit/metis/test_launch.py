"""How long the host takes to launch a call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests._cores import working

from axemu.chip import HOSTS, HostFigures, Provenance
from axemu.emulator.metis import JITTER_PERIOD, Board, BoardState, Call, InstanceSpec, launch_ticks, simulate

HOST = HOSTS["desktop"]


def launches(instance: int, host: HostFigures = HOST, count: int = JITTER_PERIOD) -> list[int]:
    return [launch_ticks(host, instance, number) for number in range(count)]


def test_the_first_call_takes_the_mean() -> None:
    assert launches(0, count=1) == [round(HOST.launch.value * 84e9)]


@pytest.mark.parametrize("instance", range(5))
def test_a_row_of_calls_averages_to_the_mean_and_reaches_the_spread(instance: int) -> None:
    row = launches(instance)
    mean = HOST.launch.value * 84e9
    spread = HOST.launch_spread.value * 84e9
    assert sum(row) / JITTER_PERIOD == pytest.approx(mean, rel=1e-9)
    assert max(row) - mean == pytest.approx(spread, rel=1e-6)
    assert mean - min(row) == pytest.approx(spread, rel=1e-6)
    assert len(set(row)) == JITTER_PERIOD


def test_what_a_call_copies_adds_to_each_launch() -> None:
    host = replace(HOST, copy=HOST.copy.with_value(2e-12, "test", Provenance.ASSUMED))
    plain, copying = (
        [launch_ticks(host, 1, number, copied) for number in range(JITTER_PERIOD)]
        for copied in (0, 5_000_000)
    )
    assert {after - before for before, after in zip(plain, copying, strict=True)} == {round(10e-6 * 84e9)}


def test_the_launches_come_again_in_the_same_order() -> None:
    assert launches(1, count=3 * JITTER_PERIOD) == 3 * launches(1)


def test_instances_take_them_in_different_orders() -> None:
    assert len({tuple(launches(instance)) for instance in range(4)}) == 4


def test_calls_wait_for_their_launch(board: Board) -> None:
    board = replace(board, host=replace(board.host, launch=HOST.launch, launch_spread=HOST.launch_spread))
    spec = InstanceSpec(0, working(800, "vector"), (0,), 0, 0)
    (calls,) = simulate(board, (BoardState(),), (spec,), ([Call(0)] * 5,)).calls
    assert [call.device_start - call.arrival for call in calls] == launches(0, count=5)
