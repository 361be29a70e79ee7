"""Cases with a single resource, to the tick."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests._cores import CoreSketch, working

from axemu.chip import Figure, Provenance
from axemu.emulator.metis import (
    Board,
    BoardState,
    Call,
    InstanceSpec,
    Machine,
    columns_of,
    pass_cycles,
    simulate,
)
from axemu.model.passes import CoreProgram, Units

STATE = BoardState()
UNITS = ("feed", "array", "adder", "second", "vector", "drain", "depthwise")
CYCLE = 105
"""Ticks of a cycle at 800 MHz."""


def exact(value: float) -> Figure:
    return Figure(value, "test", "test", Provenance.ASSUMED, value, value)


def one_call(
    board: Board, core: CoreProgram, state: BoardState = STATE, copied: tuple[int, int] = (0, 0)
) -> int:
    spec = InstanceSpec(0, core, (0,), *copied)
    return simulate(board, (state,), (spec,), ((Call(0),),)).elapsed


NOTHING = CoreSketch().core()


@pytest.mark.parametrize(
    ("core", "cycles"),
    [
        *((working(cycles, unit), cycles) for cycles, unit in enumerate(UNITS, 1000)),
        (CoreSketch().work(0, load=777).core(), 777),
        (CoreSketch().work(5, load=777).core(), 782),
        (working(0, gathers=57), 57),
        (CoreSketch().work(100).drained().core(), 101),
        (CoreSketch().fetch(6400, "l2_const").core(), 100),
        (CoreSketch().fetch(6401, "l1", "l2").core(), 101),
    ],
)
def test_each_thing_alone_takes_its_cycles(board: Board, core: CoreProgram, cycles: int) -> None:
    assert one_call(board, core) == cycles * CYCLE


def test_a_pass_lasts_as_long_as_its_busiest_unit(board: Board) -> None:
    one = Units(feed=30, array=80, adder=10, second=5, vector=79, drain=64)
    core = working(0)
    core = replace(core, passes=(replace(core.passes[0], units=one),))
    assert one_call(board, core) == 80 * CYCLE


def test_look_ups_and_products_take_longer_than_other_vector_instructions(board: Board) -> None:
    figures = board.calibration.figures | {"lookup_cycles": exact(3), "product_cycles": exact(4)}
    slower = replace(board, calibration=replace(board.calibration, figures=figures))
    core = working(10, "vector", lookups=2, products=3)
    assert one_call(board, core) == 10 * CYCLE
    assert one_call(slower, core) == (5 + 2 * 3 + 3 * 4) * CYCLE


def test_passes_and_loading_come_one_after_the_other(board: Board) -> None:
    assert one_call(board, CoreSketch().work(10, load=20).work(5, load=7).core()) == 42 * CYCLE


def test_ddr_takes_3_ticks_per_byte_at_28_gb_per_second(board: Board) -> None:
    assert one_call(board, CoreSketch().fetch(1234).core()) == 3 * 1234


def test_a_core_alone_gets_its_part_of_the_ddr(board: Board) -> None:
    half = replace(board, figures=replace(board.figures, core_bandwidth=exact(14e9)))
    core = CoreSketch().fetch(1000).core()
    assert one_call(half, core) == 6 * 1000
    spec = [InstanceSpec(i, core, (i,), 0, 0) for i in range(4)]
    machine = Machine(half, (STATE,), spec)
    for number in range(4):
        machine.submit(Call(number), 0)
    machine.run()
    assert machine.now == 3 * 4 * 1000


def test_what_is_fetched_ahead_comes_beside_compute(board: Board) -> None:
    for cycles, size in ((100, 1000), (10, 10_000)):
        core = CoreSketch().start(size).work(cycles).drained().wait().core()
        assert one_call(board, core) == max(3 * size, (cycles + 1) * CYCLE)
    both = CoreSketch().start(6400, "l2_const").work(300).wait().core()
    assert one_call(board, both) == 300 * CYCLE


def test_transfers_in_one_direction_queue_and_those_in_both_do_not(board: Board) -> None:
    same = CoreSketch().start(6400, "l2").start(6400, "l2").wait(0).wait(1).core()
    apart = CoreSketch().start(6400, "l2").start(6400, "l1", "l2").wait(0).wait(1).core()
    assert (one_call(board, same), one_call(board, apart)) == (200 * CYCLE, 100 * CYCLE)


def test_the_link_takes_84_ticks_per_byte_at_1_gb_per_second(board: Board) -> None:
    assert one_call(board, NOTHING, copied=(1000, 300)) == 84 * 1300


def test_both_directions_share_the_joint_rate(board: Board) -> None:
    spec = [InstanceSpec(i, NOTHING, (i,), *copied) for i, copied in enumerate(((3000, 0), (0, 3000)))]
    timeline = simulate(board, (STATE,), spec, ((Call(0),), (Call(1),)))
    assert timeline.elapsed == 112 * 3000


def test_boards_behind_one_way_share_it(board: Board) -> None:
    boards = [replace(board, upstream_group="card") for _ in range(4)]
    spec = [InstanceSpec(i, NOTHING, (0,), 2000, 0, board=i) for i in range(4)]
    assert simulate(boards, (STATE,), spec, [(Call(i),) for i in range(4)]).elapsed == 84 * 4 * 2000
    apart = [board] * 4
    assert simulate(apart, (STATE,), spec, [(Call(i),) for i in range(4)]).elapsed == 84 * 2000


@pytest.mark.parametrize("clock", [100, 200, 400, 600, 700, 800])
def test_on_chip_time_scales_with_the_clock_exactly(board: Board, clock: int) -> None:
    core = CoreSketch().work(8008, load=31).drained().fetch(7000, "l2").core()
    ticks = one_call(board, core, BoardState((clock,) * 4))
    assert ticks * clock == one_call(board, core) * 800


def test_ddr_and_link_do_not_know_the_clock(board: Board) -> None:
    core = CoreSketch().fetch(5000).core()
    slow = one_call(board, core, BoardState((100,) * 4), (700, 300))
    assert slow == one_call(board, core, STATE, (700, 300))


def test_each_core_has_its_own_clock(board: Board) -> None:
    state = BoardState((800, 400, 200, 100))
    spec = [InstanceSpec(i, working(800), (i,), 0, 0) for i in range(4)]
    timeline = simulate(board, (state,), spec, [(Call(i),) for i in range(4)])
    assert [calls[0].completion for calls in timeline.calls] == [800 * CYCLE * f for f in (1, 2, 4, 8)]


def test_cores_in_lockstep_go_at_the_pace_of_the_slowest(board: Board) -> None:
    spec = InstanceSpec(0, working(800), (0, 1), 0, 0)
    timeline = simulate(board, (BoardState((800, 400, 800, 800)),), (spec,), ((Call(0),),))
    assert timeline.elapsed == 800 * CYCLE * 2


def test_each_core_of_a_batch_fetches_for_itself(board: Board) -> None:
    core = CoreSketch().fetch(100).fetch(11, "ddr").core()
    spec = InstanceSpec(0, core, (0, 1, 2, 3), 0, 0)
    assert simulate(board, (STATE,), (spec,), ((Call(0),),)).elapsed == 3 * 4 * 111


def test_the_mvm_limit_stretches_what_would_be_busier(board: Board) -> None:
    full = working(8000, macs=1000 * 512 * 512)
    sparse = working(8000, macs=1000 * 512 * 128)
    limited = BoardState(mvm_percent=(50,) * 4)
    assert one_call(board, full, limited) == 2 * one_call(board, full)
    assert one_call(board, sparse, limited) == one_call(board, sparse)
    figures = {name: figure.value for name, figure in board.calibration.figures.items()}
    assert pass_cycles(columns_of(full.passes, board.chip), figures, 50).throttled.tolist() == [8000]


def test_the_firmware_start_holds_the_first_step(board: Board) -> None:
    slow = replace(board, chip=replace(board.chip, start_cycles=exact(300)))
    assert one_call(slow, CoreSketch().work(10).drained().core()) == 310 * CYCLE


def test_firmware_start_and_host_launch_are_paid_per_call(board: Board) -> None:
    slow = replace(
        board,
        chip=replace(board.chip, start_cycles=exact(300)),
        host=replace(board.host, launch=exact(1e-6), copy_setup=exact(2e-6)),
    )
    assert one_call(slow, NOTHING) == 299 * CYCLE + 84_000 + 2 * 168_000


def test_the_gap_of_the_host_lies_between_calls(board: Board) -> None:
    slow = replace(board, host=replace(board.host, gap=exact(1e-6)))
    spec = InstanceSpec(0, working(8), (0,), 0, 0)
    (calls,) = simulate(slow, (STATE,), (spec,), ((Call(0),) * 3,)).calls
    assert [call.arrival for call in calls] == [0, 84_000 + 840, 2 * (84_000 + 840)]
