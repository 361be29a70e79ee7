"""Cases with a single resource, to the tick."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axemu.chip import Figure, Provenance
from axemu.emulator.metis import Board, BoardState, Call, InstanceSpec, simulate, task_cycles
from axemu.model.program import Task

STATE = BoardState()
CYCLE = 105
"""Ticks of a cycle at 800 MHz."""


def exact(value: float) -> Figure:
    return Figure(value, "test", "test", Provenance.ASSUMED, value, value)


def one_call(
    board: Board, tasks: tuple[Task, ...], state: BoardState = STATE, copied: tuple[int, int] = (0, 0)
) -> int:
    spec = InstanceSpec(0, tasks, (0,), *copied)
    return simulate(board, (state,), (spec,), ((Call(0),),)).elapsed


@pytest.mark.parametrize(
    ("task", "cycles"),
    [
        (Task("t", "conv", mvm_slots=1000, layers=0), 8000),
        (Task("t", "conv", weight_bytes=777, layers=0), 777),
        (Task("t", "conv", taps=123, layers=0), 123),
        (Task("t", "add", vectors=55, layers=0), 55),
        (Task("t", "mul", broadcasts=56, layers=0), 56),
        (Task("t", "max_pool", gathers=57, layers=0), 57),
        (Task("t", "conv", move_bytes=99, layers=0), 99),
        (Task("t", "conv", io_bytes=98, layers=0), 98),
        (Task("t", "conv", layers=1), 1),
    ],
)
def test_each_unit_alone_takes_its_cycles(board: Board, task: Task, cycles: int) -> None:
    assert one_call(board, (task,)) == cycles * CYCLE


def test_what_a_core_does_adds_up(board: Board) -> None:
    task = Task(
        "t", "conv", mvm_slots=10, weight_bytes=20, taps=3, vectors=4, move_bytes=5, io_bytes=6, layers=1
    )
    assert one_call(board, (task, task)) == 2 * (80 + 20 + 3 + 4 + 5 + 6 + 1) * CYCLE


def test_ddr_takes_3_ticks_per_byte_at_28_gb_per_second(board: Board) -> None:
    task = Task("t", "conv", weight_ddr_bytes=1000, ddr_read_bytes=200, ddr_write_bytes=34, layers=0)
    assert one_call(board, (task,)) == 3 * 1234


def test_a_long_fetch_is_several_descriptors_and_takes_no_longer(board: Board) -> None:
    amount = 5 * (1 << 20) + 17
    assert one_call(board, (Task("t", "conv", weight_ddr_bytes=amount, layers=0),)) == 3 * amount


def test_setting_up_goes_on_while_weights_are_streamed(board: Board) -> None:
    assert one_call(board, (Task("t", "conv", weight_ddr_bytes=1000, layers=20),)) == 3000
    assert one_call(board, (Task("t", "conv", weight_ddr_bytes=1000, layers=40),)) == 40 * CYCLE
    assert one_call(board, (Task("t", "conv", ddr_read_bytes=1000, layers=20),)) == 3000 + 20 * CYCLE


def test_the_link_takes_84_ticks_per_byte_at_1_gb_per_second(board: Board) -> None:
    assert one_call(board, (), copied=(1000, 300)) == 84 * 1300


def test_both_directions_share_the_joint_rate(board: Board) -> None:
    spec = [InstanceSpec(i, (), (i,), *copied) for i, copied in enumerate(((3000, 0), (0, 3000)))]
    timeline = simulate(board, (STATE,), spec, ((Call(0),), (Call(1),)))
    assert timeline.elapsed == 112 * 3000


def test_boards_behind_one_way_share_it(board: Board) -> None:
    boards = [replace(board, upstream_group="card") for _ in range(4)]
    spec = [InstanceSpec(i, (), (0,), 2000, 0, board=i) for i in range(4)]
    assert simulate(boards, (STATE,), spec, [(Call(i),) for i in range(4)]).elapsed == 84 * 2 * 2000
    apart = [board] * 4
    assert simulate(apart, (STATE,), spec, [(Call(i),) for i in range(4)]).elapsed == 84 * 2000


@pytest.mark.parametrize("clock", [100, 200, 400, 600, 700, 800])
def test_on_chip_time_scales_with_the_clock_exactly(board: Board, clock: int) -> None:
    task = Task("t", "conv", mvm_slots=1001, weight_bytes=31, vectors=7)
    ticks = one_call(board, (task,), BoardState((clock,) * 4))
    assert ticks * clock == one_call(board, (task,)) * 800


def test_ddr_and_link_do_not_know_the_clock(board: Board) -> None:
    task = Task("t", "conv", ddr_read_bytes=5000, layers=0)
    slow = one_call(board, (task,), BoardState((100,) * 4), (700, 300))
    assert slow == one_call(board, (task,), STATE, (700, 300))


def test_each_core_has_its_own_clock(board: Board) -> None:
    task = Task("t", "conv", mvm_slots=100, layers=0)
    state = BoardState((800, 400, 200, 100))
    spec = [InstanceSpec(i, (task,), (i,), 0, 0) for i in range(4)]
    timeline = simulate(board, (state,), spec, [(Call(i),) for i in range(4)])
    assert [calls[0].completion for calls in timeline.calls] == [800 * CYCLE * f for f in (1, 2, 4, 8)]


def test_cores_in_lockstep_go_at_the_pace_of_the_slowest(board: Board) -> None:
    task = Task("t", "conv", mvm_slots=100, layers=0)
    spec = InstanceSpec(0, (task,), (0, 1), 0, 0)
    timeline = simulate(board, (BoardState((800, 400, 800, 800)),), (spec,), ((Call(0),),))
    assert timeline.elapsed == 800 * CYCLE * 2


def test_a_batch_pays_activations_per_frame_and_weights_once(board: Board) -> None:
    task = Task("t", "conv", weight_ddr_bytes=100, ddr_read_bytes=10, ddr_write_bytes=1, layers=0)
    spec = InstanceSpec(0, (task,), (0, 1, 2, 3), 0, 0)
    assert simulate(board, (STATE,), (spec,), ((Call(0),),)).elapsed == 3 * (100 + 4 * 11)


def test_the_mvm_limit_stretches_what_would_be_busier(board: Board) -> None:
    full = Task("t", "conv", mvm_slots=1000, macs=1000 * 512 * 512, layers=0)
    sparse = replace(full, macs=1000 * 512 * 128)
    assert one_call(board, (full,), BoardState(mvm_percent=(50,) * 4)) == 2 * one_call(board, (full,))
    assert one_call(board, (sparse,), BoardState(mvm_percent=(50,) * 4)) == one_call(board, (sparse,))
    assert task_cycles(full, board.chip, board.calibration, 50).throttled == 8000


def test_firmware_start_and_host_launch_are_paid_per_call(board: Board) -> None:
    slow = replace(
        board,
        chip=replace(board.chip, start_cycles=exact(300)),
        host=replace(board.host, launch=exact(1e-6), copy_setup=exact(2e-6)),
    )
    assert one_call(slow, ()) == 300 * CYCLE + 84_000 + 2 * 168_000


def test_the_gap_of_the_host_lies_between_calls(board: Board) -> None:
    slow = replace(board, host=replace(board.host, gap=exact(1e-6)))
    spec = InstanceSpec(0, (Task("t", "conv", mvm_slots=1, layers=0),), (0,), 0, 0)
    (calls,) = simulate(slow, (STATE,), (spec,), ((Call(0),) * 3,)).calls
    assert [call.arrival for call in calls] == [0, 84_000 + 840, 2 * (84_000 + 840)]
