"""The closed form, the fit and the statistics, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.unit.metis.test_physics import CORES

from axemu.chip import BOARDS, HOSTS, PARAMETERS, PRIORS, TICKS_PER_SECOND, load_calibration
from axemu.emulator.metis import Board, BoardState, Call, InstanceSpec, simulate
from axemu.model.passes import CoreProgram
from axemu.studies import Case, Point, Target, gemm, published, unseen_points
from axemu.studies._analytic import Table, evaluate, evaluate_on, shared_rate, table_of
from axemu.studies._calibrate import load_case, load_targets, trial_calibration
from axemu.studies._correlate import ranks, spearman
from axemu.studies._fit import fit, leave_out
from axemu.studies._processes import in_processes
from axemu.studies._simulated import simulated_rate


@pytest.fixture(scope="module")
def table() -> Table:
    cases = gemm()
    return table_of(cases, load_targets(cases))


def figures() -> dict[str, float]:
    return {name: load_calibration()[name] for name in PARAMETERS}


def case(instances: int, cores: int = 1, board: str = "pcie") -> Case:
    return Case("x", "x", board, "device", 1.0, compiled_cores=cores, cores=instances * cores)


@settings(max_examples=60)
@given(CORES)
def test_a_replay_is_a_lone_call_of_the_machine(core: CoreProgram) -> None:
    target = Target("x", 1, core, 0, 0)
    values, one = figures(), case(1)
    board = BOARDS["pcie"]
    (rate,) = evaluate_on(table_of([one], {one.key: target}), values, [board], HOSTS["desktop"])
    spec = InstanceSpec(0, core, (0,), 0, 0)
    alone = Board(board, calibration=trial_calibration(values))
    (calls,) = simulate(alone, (BoardState(),), (spec,), ((Call(0),),)).calls
    executed = (calls[0].device_end - calls[0].device_start) / TICKS_PER_SECOND
    # The machine counts whole cycles; there transfers of a core share its rate, here they queue by direction.
    if sum("ddr" in one.route for one in core.transfers) < 2:
        assert 1 / rate == pytest.approx(executed, rel=1e-4, abs=2e-8)
    else:
        assert 1 / rate - 2e-8 <= executed * (1 + 1e-4) <= 2 * (1 / rate + 2e-8)


def test_a_core_alone_gets_its_own_rate() -> None:
    assert shared_rate(28e9, 22e9, case(1), 1.0) == 22e9
    assert shared_rate(28e9, 22e9, case(4), 0.0) == 22e9
    assert shared_rate(14e9, 22e9, case(1), 0.5) == 14e9


def test_cores_that_always_fetch_share_evenly() -> None:
    assert shared_rate(28e9, 22e9, case(4), 1.0) == pytest.approx(7e9)
    assert shared_rate(28e9, 22e9, case(1, 4), 1.0) == pytest.approx(7e9)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 4))
def test_busier_neighbours_leave_less(first: float, second: float, instances: int) -> None:
    low, high = sorted((first, second))
    rates = [shared_rate(28e9, 22e9, case(instances), busy) for busy in (low, high)]
    assert rates[0] >= rates[1] * (1 - 1e-12)


def test_the_closed_form_stands_in_for_the_machine(table: Table) -> None:
    values = figures()
    trial = trial_calibration(values)
    closed = evaluate(table, values)
    for number in range(0, len(table.cases), 6):
        one = table.cases[number]
        assert simulated_rate(one, load_case(one), trial) == pytest.approx(closed[number], rel=0.35)


def test_a_fit_finds_figures_again_that_made_the_data(table: Table) -> None:
    from dataclasses import replace

    true = {name: PRIORS[name].value for name in PARAMETERS} | {"step_cycles": 2500.0}
    rates = evaluate(table, true)
    made = tuple(
        replace(one, fps=float(rate), weight=1.0) for one, rate in zip(table.cases, rates, strict=True)
    )
    found = fit(replace(table, cases=made), np.zeros(len(made)), strength=1e-3)
    assert found["step_cycles"] == pytest.approx(2500, rel=0.02)


def test_a_fit_stays_within_its_bounds_and_is_the_same_twice(table: Table) -> None:
    first = fit(table, np.zeros(len(table.cases)))
    assert first == fit(table, np.zeros(len(table.cases)))
    for name, value in first.items():
        assert PRIORS[name].low <= value <= PRIORS[name].high


def test_leaving_out_covers_each_group_once(table: Table) -> None:
    groups = ["a"] * 5 + ["b"] * 5 + [""] * (len(table.cases) - 10)
    errors = leave_out(table, np.zeros(len(table.cases)), groups)
    assert not np.isnan(errors[:10]).any()
    assert np.isnan(errors[10:]).all()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=30))
def test_rank_correlation_equals_scipys(pairs: list[tuple[int, int]]) -> None:
    first, second = ([float(pair[i]) for pair in pairs] for i in (0, 1))
    assert ranks(first) == pytest.approx(stats.rankdata(first))
    if len(set(first)) > 1 and len(set(second)) > 1:
        assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second)[0])


def test_unseen_points_are_those_the_calibration_left_out_with_their_family() -> None:
    cases = published()
    points = [Point(one, one.fps) for one in cases]
    calibration = load_calibration()
    found = unseen_points(points, calibration)
    assert len(found) == len(cases)
    for point in found:
        known = calibration.details["errors"][f"{point.case.model} {point.case.board} host"]
        assert point.error == pytest.approx(known["family"])
    assert unseen_points(points, trial_calibration(figures())) == []


def test_rates_are_the_same_from_several_processes() -> None:
    cases = gemm()[:4]
    targets, trial = load_targets(cases), trial_calibration(figures())
    calls = [(one, targets[one.key], trial) for one in cases]
    assert in_processes(simulated_rate, calls, worth=1) == [simulated_rate(*call) for call in calls]
