"""What no schedule may do, whatever the program."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests._cores import CoreSketch
from tests._sizes import sample

from axemu.chip import BOARDS, HOSTS, TICKS_PER_SECOND, Figure, Provenance
from axemu.emulator.metis import JITTER_PERIOD, Board, BoardState, Call, InstanceSpec, Timeline, simulate
from axemu.model.passes import CoreProgram

pytestmark = pytest.mark.slow

CALLS = JITTER_PERIOD + 1
"""So that launches of all lengths lie between the first and the last."""
ANOMALY = 0.12
"""How far contention may turn against the one who helps with more DDR bandwidth or cores."""

LOCKING = 0.15
"""The same for a faster link or clock: without the copies or the computing that kept them apart, instances may bunch at
the DDR (docs/explanation/timing.md)."""

KILO = st.integers(0, 400).map(lambda n: n * 1000)


@st.composite
def cores(draw: st.DrawFn) -> CoreProgram:
    """A few steps: passes of any unit, loads, transfers waited for at once or beside compute."""
    sketch = CoreSketch()
    ahead: list[int] = []
    for _ in range(draw(st.integers(1, 8))):
        for _ in range(draw(st.integers(0, 2))):
            where = draw(
                st.sampled_from(
                    (("ddr_const", "l1"), ("ddr", "l1"), ("l1", "ddr"), ("l2", "l1"), ("l1", "l2"))
                )
            )
            sketch.start(draw(KILO), *where)
            ahead.append(len(sketch.transfers) - 1)
        if ahead and draw(st.booleans()):
            sketch.wait(ahead.pop(0))
        cycles = draw(st.integers(0, 24_000))
        unit = draw(st.sampled_from(("array", "vector", "drain", "depthwise")))
        macs = cycles // 8 * 512 * 512 if unit == "array" else 0
        sketch.work(cycles, unit, load=draw(st.integers(0, 6000)), macs=macs)
        if draw(st.booleans()):
            sketch.drained()
    for number in ahead:
        sketch.wait(number)
    return sketch.core()


CORES = cores()
COPIES = st.tuples(KILO, KILO)
CLOCKS = st.sampled_from((100, 200, 400, 600, 700, 800))

few = settings(max_examples=sample(25, 300), suppress_health_check=[HealthCheck.too_slow])


def board_like(**changes: float) -> Board:
    figures = BOARDS["m2"]
    for name, factor in changes.items():
        old: Figure = getattr(figures, name)
        figures = replace(figures, **{name: old.with_value(old.value * factor, "test", Provenance.ASSUMED)})
    return Board(figures, HOSTS["desktop"])


def run(
    core: CoreProgram,
    copies: tuple[int, int],
    instances: int = 4,
    clock: int = 800,
    board: Board | None = None,
    buffered: bool = True,
    calls: int = CALLS,
) -> Timeline:
    specs = [InstanceSpec(i, core, (i,), *copies, buffered) for i in range(instances)]
    state = BoardState((clock,) * 4)
    return simulate(board or board_like(), (state,), specs, [[Call(i)] * calls for i in range(instances)])


def rate(timeline: Timeline) -> float:
    return sum((len(c) - 1) / (c[-1].completion - c[0].completion) for c in timeline.calls)


def lone(core: CoreProgram, copies: tuple[int, int], clock: int = 800, board: Board | None = None) -> int:
    (calls,) = run(core, copies, 1, clock, board, buffered=False, calls=1).calls
    return calls[0].completion - calls[0].arrival


@few
@given(CORES, COPIES, st.integers(1, 4), CLOCKS, st.booleans())
def test_no_unit_is_busy_longer_than_time_passes_and_a_core_is_busy_with_its_parts(
    core: CoreProgram, copies: tuple[int, int], instances: int, clock: int, buffered: bool
) -> None:
    timeline = run(core, copies, instances, clock, buffered=buffered)
    for unit, ticks in timeline.busy.items():
        assert 0 <= ticks <= timeline.elapsed, unit
    for number in range(instances):
        parts = sum(t for unit, t in timeline.unit_ticks.items() if unit.startswith(f"board0.core{number}."))
        assert parts == timeline.busy[f"board0.core{number}"]


@few
@given(CORES, COPIES, st.integers(1, 4))
def test_every_byte_that_is_asked_for_is_moved(
    core: CoreProgram, copies: tuple[int, int], instances: int
) -> None:
    moved = run(core, copies, instances, buffered=False).bytes_moved
    per_call = sum(one.size for one in core.transfers if "ddr" in one.route)
    assert moved["board0.ddr"] == instances * CALLS * per_call
    assert (moved["board0.link_in"], moved["board0.link_out"]) == tuple(instances * CALLS * c for c in copies)


@few
@given(CORES, COPIES, CLOCKS, st.integers(1, 4))
def test_nothing_finishes_before_its_lower_bound(
    core: CoreProgram, copies: tuple[int, int], clock: int, instances: int
) -> None:
    board = board_like()
    timeline = run(core, copies, instances, clock, buffered=False)
    macs = sum(one.macs for one in core.passes)
    ddr = sum(one.size for one in core.transfers if "ddr" in one.route)
    for calls in timeline.calls:
        for call in calls:
            seconds = (call.device_end - call.device_start) / TICKS_PER_SECOND
            assert seconds >= macs / 32768 / (clock * 1e6) * (1 - 1e-9)
            assert seconds >= ddr / float(board.figures.memory_bandwidth) * (1 - 1e-9)
            copying = sum(copies) / float(board.figures.link_bandwidth)
            assert (call.completion - call.arrival) / TICKS_PER_SECOND >= (seconds + copying) * (1 - 1e-9)
    total = timeline.elapsed / TICKS_PER_SECOND
    assert total >= instances * CALLS * ddr / float(board.figures.memory_bandwidth) * (1 - 1e-9)


@few
@given(CORES, COPIES, st.sampled_from(("memory_bandwidth", "link_bandwidth", "link_joint_bandwidth")))
def test_more_bandwidth_never_makes_a_lone_frame_later(
    core: CoreProgram, copies: tuple[int, int], name: str
) -> None:
    assert lone(core, copies, board=board_like(**{name: 1.5})) <= lone(core, copies)


@few
@given(CORES, COPIES)
def test_a_higher_clock_never_makes_a_lone_frame_later(core: CoreProgram, copies: tuple[int, int]) -> None:
    times = [lone(core, copies, clock) for clock in (100, 200, 400, 600, 700, 800)]
    assert times == sorted(times, reverse=True)


@few
@given(CORES, COPIES)
def test_more_ddr_bandwidth_does_not_lower_throughput(core: CoreProgram, copies: tuple[int, int]) -> None:
    faster = rate(run(core, copies, board=board_like(memory_bandwidth=1.5)))
    assert faster >= (1 - ANOMALY) * rate(run(core, copies))


@few
@given(CORES, COPIES)
def test_a_faster_link_hardly_lowers_throughput(core: CoreProgram, copies: tuple[int, int]) -> None:
    faster = rate(run(core, copies, board=board_like(link_bandwidth=1.5)))
    assert faster >= (1 - LOCKING) * rate(run(core, copies))


@few
@given(CORES, COPIES)
def test_a_higher_clock_hardly_lowers_throughput(core: CoreProgram, copies: tuple[int, int]) -> None:
    rates = [rate(run(core, copies, clock=clock)) for clock in (400, 700, 800)]
    assert all(faster >= (1 - LOCKING) * slower for slower, faster in itertools.pairwise(rates))


@few
@given(CORES, COPIES, st.integers(1, 3))
def test_more_cores_do_not_lower_throughput(
    core: CoreProgram, copies: tuple[int, int], instances: int
) -> None:
    assert rate(run(core, copies, instances + 1)) >= (1 - ANOMALY) * rate(run(core, copies, instances))


@few
@given(CORES, COPIES, st.integers(1, 4))
def test_n_instances_never_do_more_than_each_would_alone(
    core: CoreProgram, copies: tuple[int, int], instances: int
) -> None:
    """By any time: calls of an instance differ by what launching them takes, so rates of a few say less."""
    together = run(core, copies, instances, buffered=False)
    for number, calls in enumerate(together.calls):
        spec = InstanceSpec(number, core, (number,), *copies)
        (alone,) = simulate(board_like(), (BoardState(),), (spec,), ([Call(number)] * CALLS,)).calls
        for one, other in zip(alone, calls, strict=True):
            assert one.completion <= other.completion


@few
@given(CORES, CLOCKS)
def test_time_scales_with_the_clock_when_nothing_is_off_chip(core: CoreProgram, clock: int) -> None:
    inside = replace(core, transfers=tuple(replace(one, source="l2", target="l1") for one in core.transfers))
    times = []
    for at in (clock, 800):
        (calls,) = run(inside, (0, 0), 1, at, buffered=False, calls=1).calls
        times.append((calls[0].device_end - calls[0].device_start) * at)
    assert times[0] == times[1]


@few
@given(CORES, COPIES)
def test_leaving_passes_apart_for_a_trace_changes_no_time(core: CoreProgram, copies: tuple[int, int]) -> None:
    specs = [InstanceSpec(i, core, (i,), *copies, True) for i in range(2)]
    threads = [[Call(i)] * 4 for i in range(2)]
    plain = simulate(board_like(), (BoardState(),), specs, threads)
    traced = simulate(board_like(), (BoardState(),), specs, threads, trace=True)
    assert plain.calls == traced.calls
    assert plain.busy == traced.busy
