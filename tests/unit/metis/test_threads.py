"""Calling threads, cores and double buffering."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests._cores import CoreSketch, working

from axemu.emulator.metis import Board, BoardState, Call, InstanceSpec, Machine, Timeline, simulate
from axemu.model.passes import CoreProgram

STATE = BoardState()
WORK = working(8000)
FRAME = 8000 * 105


def on_own_cores(count: int, core: CoreProgram = WORK) -> list[InstanceSpec]:
    return [InstanceSpec(i, core, (i,), 0, 0) for i in range(count)]


def rate(timeline: Timeline) -> float:
    return sum(len(calls) for calls in timeline.calls) / timeline.elapsed


def test_one_thread_over_four_instances_gets_one_core(board: Board) -> None:
    timeline = simulate(board, (STATE,), on_own_cores(4), [[Call(i % 4) for i in range(40)]])
    assert timeline.elapsed == 40 * FRAME


def test_four_threads_over_four_instances_get_four_cores(board: Board) -> None:
    timeline = simulate(board, (STATE,), on_own_cores(4), [[Call(i)] * 10 for i in range(4)])
    assert timeline.elapsed == 10 * FRAME


def test_four_instances_on_one_core_share_it(board: Board) -> None:
    shared = [replace(spec, cores=(0,)) for spec in on_own_cores(4)]
    timeline = simulate(board, (STATE,), shared, [[Call(i)] * 10 for i in range(4)])
    assert timeline.elapsed == 40 * FRAME


def test_two_threads_on_one_instance_take_turns(board: Board) -> None:
    timeline = simulate(board, (STATE,), on_own_cores(1), [[Call(0)] * 5] * 2)
    assert timeline.elapsed == 10 * FRAME


def test_a_cascade_waits_for_what_it_was_declared_to_need(board: Board) -> None:
    detect = [Call(0)] * 4
    classify = [Call(1, after=((0, i),)) for i in range(4)]
    timeline = simulate(board, (STATE,), on_own_cores(2), [detect, classify])
    for i in range(4):
        assert timeline.calls[1][i].arrival >= timeline.calls[0][i].completion
    assert timeline.elapsed == 5 * FRAME


def test_calls_that_wait_for_each_other_are_refused(board: Board) -> None:
    threads = [[Call(0, after=((1, 0),))], [Call(1, after=((0, 0),))]]
    with pytest.raises(ValueError, match="never comes"):
        simulate(board, (STATE,), on_own_cores(2), threads)


def test_a_call_does_not_arrive_before_its_frame(board: Board) -> None:
    (calls,) = simulate(board, (STATE,), on_own_cores(1), [[Call(0), Call(0, earliest=5 * FRAME)]]).calls
    assert calls[1].arrival == 5 * FRAME


def test_a_clock_change_counts_from_its_frame_on(board: Board) -> None:
    states = (STATE, BoardState((400,) * 4))
    (calls,) = simulate(board, states, on_own_cores(1), [[Call(0)] * 2 + [Call(0, 1)] * 2]).calls
    assert [call.completion - call.arrival for call in calls] == [FRAME, FRAME, 2 * FRAME, 2 * FRAME]


def test_double_buffering_executes_the_frame_before(board: Board) -> None:
    spec = replace(on_own_cores(1)[0], double_buffer=True)
    (calls,) = simulate(board, (STATE,), (spec,), [[Call(0)] * 4]).calls
    assert calls[0].device_start == calls[0].device_end
    assert [call.device_end - call.device_start for call in calls[1:]] == [FRAME] * 3


def test_double_buffering_hides_the_shorter_of_copying_and_executing(board: Board) -> None:
    copied = 2000
    plain = InstanceSpec(0, WORK, (0,), copied, copied)
    timeline = simulate(board, (STATE,), (plain,), [[Call(0)] * 20])
    assert timeline.calls[0][9].completion - timeline.calls[0][9].arrival == FRAME + 2 * 84 * copied
    buffered = simulate(board, (STATE,), (replace(plain, double_buffer=True),), [[Call(0)] * 20])
    assert buffered.calls[0][9].completion - buffered.calls[0][9].arrival == FRAME


def test_equal_threads_do_not_meet_at_the_ddr_for_ever(board: Board) -> None:
    core = CoreSketch().fetch(400_000).work(12_000).core()
    alone = simulate(board, (STATE,), on_own_cores(1, core), [[Call(0)] * 40])
    two = simulate(board, (STATE,), on_own_cores(2, core), [[Call(i)] * 40 for i in range(2)])
    assert rate(two) > 1.9 * rate(alone)


def test_a_replay_does_not_depend_on_the_order_threads_are_named_in(board: Board) -> None:
    threads = [[Call(i)] * 10 for i in range(4)]
    there = simulate(board, (STATE,), on_own_cores(4), threads)
    back = simulate(board, (STATE,), on_own_cores(4), threads[::-1])
    assert there.elapsed == back.elapsed
    assert there.calls == back.calls[::-1]


def test_calls_can_be_submitted_one_by_one(board: Board) -> None:
    machine = Machine(board, (STATE,), on_own_cores(2))
    first, second = machine.submit(Call(0), 100), machine.submit(Call(1), 300)
    assert machine.peek() is not None
    machine.advance(100 + FRAME - 1)
    assert not first.done
    machine.advance(100 + FRAME)
    assert first.done
    assert not second.done
    assert machine.now == 100 + FRAME
    machine.run()
    assert second.times is not None
    assert second.times.completion == 300 + FRAME
    assert machine.peek() is None


def test_a_submitted_call_cannot_arrive_in_the_past(board: Board) -> None:
    machine = Machine(board, (STATE,), on_own_cores(1))
    machine.advance(1000)
    assert machine.submit(Call(0), 10).arrival == 1000


def test_settings_and_instances_can_be_added_later(board: Board) -> None:
    machine = Machine(board, (STATE,), [])
    machine.add_instance(on_own_cores(1)[0])
    slow = machine.add_state(BoardState((100,) * 4))
    pending = machine.submit(Call(0, slow), 0)
    machine.run()
    assert pending.times is not None
    assert pending.times.completion == 8 * FRAME


def test_cores_the_board_does_not_have_are_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="cores"):
        Machine(board, (STATE,), [InstanceSpec(0, WORK, (4,), 0, 0)])
    with pytest.raises(ValueError, match="cores"):
        Machine(board, (STATE,), [InstanceSpec(0, WORK, (), 0, 0)])
