"""The closed form, the fit and the statistics, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from axemu.chip import PARAMETERS, PRIORS, load_calibration
from axemu.studies import gemm
from axemu.studies._analytic import Table, closed_queue, evaluate, table_of
from axemu.studies._calibrate import load_case, load_targets, trial_calibration
from axemu.studies._correlate import ranks, spearman
from axemu.studies._fit import fit, leave_out
from axemu.studies._simulated import simulated_rate


@pytest.fixture(scope="module")
def table() -> Table:
    cases = gemm()
    return table_of(cases, load_targets(cases))


def figures() -> dict[str, float]:
    return {name: load_calibration()[name] for name in PARAMETERS}


def test_a_queue_of_one_waits_for_nobody() -> None:
    assert closed_queue(np.array([3.0]), np.array([2.0]), np.array([1])) == pytest.approx([5.0])


def test_a_queue_of_two_follows_mean_value_analysis() -> None:
    # One customer: cycle 5, queue 2/5. Two: 3 + 2 x 1.4 = 5.8.
    assert closed_queue(np.array([3.0]), np.array([2.0]), np.array([2])) == pytest.approx([5.8])


def test_a_full_server_is_the_limit() -> None:
    cycle = closed_queue(np.array([1e-6]), np.array([1.0]), np.array([4]))
    assert cycle == pytest.approx([4.0], rel=1e-4)


def test_the_closed_form_stands_in_for_the_machine(table: Table) -> None:
    values = figures()
    trial = trial_calibration(values)
    closed = evaluate(table, values)
    for number in range(0, len(table.cases), 6):
        case = table.cases[number]
        assert simulated_rate(case, load_case(case), trial) == pytest.approx(closed[number], rel=0.2)


def test_a_fit_finds_figures_again_that_made_the_data(table: Table) -> None:
    from dataclasses import replace

    true = {name: PRIORS[name].value for name in PARAMETERS} | {
        "weight_load_rate": 40.0,
        "layer_cycles": 2500.0,
    }
    rates = evaluate(table, true)
    made = tuple(
        replace(case, fps=float(rate), weight=1.0) for case, rate in zip(table.cases, rates, strict=True)
    )
    found = fit(replace(table, cases=made), np.zeros(len(made)), strength=1e-3)
    assert found["weight_load_rate"] == pytest.approx(40, rel=0.02)
    assert found["layer_cycles"] == pytest.approx(2500, rel=0.05)


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
