"""Filling in what repeats gives what simulating every call gives, to the tick."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests._cores import CoreSketch
from tests._sizes import sample
from tests.unit.metis.test_physics import COPIES, CORES

from axemu.chip import BOARDS
from axemu.emulator.metis import (
    Board,
    BoardState,
    Call,
    CallTimes,
    InstanceSpec,
    Machine,
    Timeline,
    replay,
    simulate,
)
from axemu.emulator.metis._machine import Marks
from axemu.emulator.metis._programs import awaited, named, stagger

few = settings(max_examples=sample(40, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
STATES = (BoardState(), BoardState((400,) * 4), BoardState((800, 700, 600, 500), (30,) * 4))
ONE = CoreSketch().start(90_000).work(7200).drained().wait().core()


@st.composite
def programs(draw: st.DrawFn) -> tuple[Sequence[Board], list[InstanceSpec], list[list[Call]]]:
    """One or two boards, instances on any cores, threads that go round any of them and change their habits."""
    figures = BOARDS[draw(st.sampled_from(("pcie", "m2", "pcie-x4")))]
    boards = [Board(figures, upstream_group="up")] * draw(st.integers(1, 2))
    instances = []
    for number in range(draw(st.integers(1, 5))):
        cores = draw(st.sampled_from(((0,), (1,), (2,), (3,), (0, 1), (2, 3), (0, 1, 2, 3))))
        board = draw(st.integers(0, len(boards) - 1))
        incoming, outgoing = draw(COPIES)
        spec = InstanceSpec(number, draw(CORES), cores, incoming, outgoing, draw(st.booleans()), board)
        instances.append(spec)
    which = st.tuples(st.integers(0, len(instances) - 1), st.integers(0, len(STATES) - 1))
    call = which.map(lambda pair: Call(*pair))
    habit = st.tuples(st.lists(call, min_size=1, max_size=4), st.integers(1, 40))
    thread = st.lists(habit, max_size=3).map(
        lambda habits: [one for calls, times in habits for one in calls * times]
    )
    threads = draw(st.lists(thread, min_size=1, max_size=5))
    for _ in range(draw(st.integers(0, 3))):
        wait_for_earlier(draw, threads)
    return boards, instances, threads


def wait_for_earlier(draw: st.DrawFn, threads: list[list[Call]]) -> None:
    """Let some call wait for one with a smaller number, so that none waits for itself."""
    later = draw(st.sampled_from(range(len(threads))))
    earlier = draw(st.sampled_from(range(len(threads))))
    if len(threads[later]) > 1 and threads[earlier]:
        index = draw(st.integers(1, len(threads[later]) - 1))
        before = draw(st.integers(0, min(index, len(threads[earlier])) - 1))
        call = threads[later][index]
        threads[later][index] = call._replace(after=(*call.after, (earlier, before)))


@pytest.mark.slow
@few
@given(programs())
def test_times_and_sums_are_those_of_simulating_every_call(
    drawn: tuple[Sequence[Board], list[InstanceSpec], list[list[Call]]],
) -> None:
    boards, instances, threads = drawn
    assert replay(boards, STATES, instances, threads) == simulate(boards, STATES, instances, threads)


@pytest.mark.slow
@few
@given(programs())
def test_what_is_worked_out_ahead_of_the_clock_is_what_events_one_by_one_give(
    drawn: tuple[Sequence[Board], list[InstanceSpec], list[list[Call]]],
) -> None:
    boards, instances, threads = drawn
    machine = Machine(boards, STATES, instances)
    results: list[list[CallTimes]] = [[] for _ in threads]
    marks = Marks(machine, awaited(threads))

    def keep(name: tuple[int, int], times: CallTimes) -> None:
        results[name[0]].append(times)

    for number, calls in enumerate(stagger(machine, threads)):
        machine.start_program(number, named(number, calls), keep, marks)
    while (tick := machine.peek()) is not None:
        machine.advance(tick)  # somebody might submit a call after each tick
    assert machine.timeline(results) == simulate(boards, STATES, instances, threads)


def count_events(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every call the machine executes be counted."""
    calls: list[int] = []
    execute = Machine._execute

    def counted(self: Machine, *arguments: object) -> object:
        calls.append(1)
        return execute(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Machine, "_execute", counted)
    return calls


def endless(board: str = "pcie", count: int = 10_000) -> Timeline:
    specs = [InstanceSpec(core, ONE, (core,), 10_000, 10_000, True) for core in range(4)]
    return replay(Board(BOARDS[board]), STATES, specs, [[Call(core)] * count for core in range(4)])


def test_a_long_program_costs_few_simulated_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = count_events(monkeypatch)
    timeline = endless()
    assert [len(calls) for calls in timeline.calls] == [10_000] * 4
    assert len(simulated) < 400


def test_what_lies_between_calls_that_wait_for_others_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = count_events(monkeypatch)
    specs = [InstanceSpec(core, ONE, (core,), 10_000, 10_000, True) for core in range(2)]
    threads = [[Call(core)] * 20_000 for core in range(2)]
    threads[1][10_000] = Call(1, after=((0, 12_000),))
    timeline = replay(Board(), STATES, specs, threads)
    assert [len(calls) for calls in timeline.calls] == [20_000] * 2
    assert timeline.calls[1][10_000].arrival >= timeline.calls[0][12_000].completion
    assert len(simulated) < 2000


def test_calls_that_wait_for_others_are_simulated_one_by_one() -> None:
    specs = [InstanceSpec(core, ONE, (core,), 10_000, 10_000) for core in range(2)]
    threads = [[Call(0)] * 50, [Call(1, after=((0, number),)) for number in range(50)]]
    assert replay(Board(), STATES, specs, threads) == simulate(Board(), STATES, specs, threads)


def test_a_camera_that_keeps_its_own_pace_is_not_hurried() -> None:
    spec = InstanceSpec(0, ONE, (0,), 10_000, 10_000)
    calls = [Call(0, earliest=number * 84 * 33_000_000) for number in range(30)]
    assert replay(Board(), STATES, [spec], [calls]) == simulate(Board(), STATES, [spec], [calls])


@pytest.mark.parametrize("end", range(1, 30))
def test_a_thread_that_ends_leaves_the_others_to_themselves(end: int) -> None:
    specs = [InstanceSpec(core, ONE, (core,), 300_000, 200_000) for core in range(2)]
    threads = [[Call(0)] * end, [Call(1)] * 40]
    assert replay(Board(), STATES, specs, threads) == simulate(Board(), STATES, specs, threads)


def test_threads_without_calls_are_allowed() -> None:
    spec = InstanceSpec(0, ONE, (0,), 10_000, 10_000)
    assert replay(Board(), STATES, [spec], [[], []]) == simulate(Board(), STATES, [spec], [[], []])
    assert replay(Board(), STATES, [], []) == simulate(Board(), STATES, [], [])
