"""How near predictions come to real cards; the figures are in docs/explanation/timing.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np
import pytest

from axemu.chip import calibration_to_json, load_calibration
from axemu.studies import (
    Case,
    Point,
    Scenario,
    calibrate,
    calibrate_release,
    core_scaling,
    correlate,
    gemm,
    load_target,
    predict,
    published,
)
from axemu.studies._correlate import spearman, summarise
from axemu.studies._predict import band

SAMPLE = ("resnet18", "squeezenet1_0", "mobilenet_v2", "yolov5n")
"""Networks of the quick run: a batch build, the slow pool, depthwise layers, spilled activations."""


def worst(points: Sequence[Point]) -> float:
    return max(abs(point.error) for point in points)


@pytest.fixture(scope="module")
def device_points() -> list[Point]:
    return correlate(gemm("device"))


def test_device_time_of_1x1_layers_is_met_within_6_percent(device_points: list[Point]) -> None:
    assert len(device_points) == 55
    assert summarise(device_points, "device").mape <= 0.06


def test_system_rate_of_1x1_layers_is_met_within_4_percent() -> None:
    assert summarise(correlate(gemm("system")), "system").mape <= 0.04


def test_core_scaling_of_resnet50_is_met_within_7_percent() -> None:
    points = correlate(core_scaling())
    assert [point.case.fps for point in points] == [358.7, 574.0, 658.6, 694.9]
    assert worst(points) <= 0.07


MEASURED_PAIRS = json.loads(
    resources.files("axemu.studies").joinpath("data", "scaling_measured.json").read_text(encoding="utf-8")
)["double_buffer"]


@pytest.mark.parametrize(
    "pair", [pytest.param(pair, id=f"{pair['network']}-{pair['instances']}") for pair in MEASURED_PAIRS]
)
def test_double_buffering_gains_between_2_and_20_percent_where_measured(pair: dict[str, Any]) -> None:
    target = load_target(pair["network"], 1)
    plain, buffered = (
        predict(
            Scenario(pair["network"], board="m2", cores=pair["instances"], double_buffer=on), target
        ).system_fps
        for on in (False, True)
    )
    assert 1.02 <= buffered / plain <= 1.20


def test_a_sample_of_networks_is_met_within_20_percent() -> None:
    points = correlate([case for case in published() if case.model in SAMPLE])
    assert len(points) == 2 * len(SAMPLE)
    assert worst(points) <= 0.20


def unseen(board: str, left_out: str = "unseen") -> tuple[np.ndarray, np.ndarray]:
    """Return published rates and errors of the shipped calibration on what its fit had not seen: networks or families."""
    errors = load_calibration().details["errors"]
    rows = [errors[f"{case.model} {board} host"] for case in published() if case.board == board]
    assert len(rows) == 50
    return np.array([row["fps"] for row in rows]), np.array([row[left_out] for row in rows])


@pytest.mark.parametrize(("board", "mape", "within"), [("pcie", 0.07, 0.93), ("m2", 0.09, 0.88)])
def test_networks_that_the_fit_has_not_seen_are_met(board: str, mape: float, within: float) -> None:
    fps, errors = unseen(board)
    assert np.mean(np.abs(errors)) <= mape
    assert np.mean(np.abs(errors) <= 0.2) >= within
    assert spearman(list(fps), list(fps * (1 + errors))) >= 0.99


@pytest.mark.parametrize(("board", "mape"), [("pcie", 0.09), ("m2", 0.11)])
def test_families_that_the_fit_has_not_seen_are_met(board: str, mape: float) -> None:
    _, errors = unseen(board, "family")
    assert np.mean(np.abs(errors)) <= mape


@pytest.mark.parametrize(("board", "mape"), [("pcie", 0.09), ("m2", 0.11)])
def test_families_are_met_in_release_1_8_too(board: str, mape: float) -> None:
    errors = load_calibration(sdk="1.8").details["errors"]
    rows = [errors[f"{case.model} {board} host"] for case in published("1.8") if case.board == board]
    assert len(rows) == 50
    assert np.mean([abs(row["family"]) for row in rows]) <= mape
    assert abs(np.mean([row["seen"] for row in rows])) <= 0.04


@pytest.mark.parametrize("board", ["pcie", "m2"])
def test_the_band_holds_what_it_says_of_unseen_families(board: str) -> None:
    fps, errors = unseen(board, "family")
    bands = [band(rate, board, load_calibration()) for rate in fps * (1 + errors)]
    inside = [low <= rate <= high for rate, (low, high) in zip(fps, bands, strict=True)]
    assert 0.7 <= np.mean(inside) <= 0.9


@pytest.mark.full
@pytest.mark.slow
def test_all_published_networks_are_as_the_calibration_says() -> None:
    points = correlate(published())
    stored = load_calibration().details["errors"]
    for point in points:
        seen = stored[f"{point.case.model} {point.case.board} host"]["seen"]
        assert point.error == pytest.approx(seen, abs=2e-3), point.case.model
    for board in ("pcie", "m2"):
        summary = summarise([point for point in points if point.case.board == board], board)
        assert summary.mape <= 0.08
        assert summary.spearman >= 0.99


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_shipped_calibration_is_reproduced() -> None:
    assert calibration_to_json(calibrate()) == calibration_to_json(load_calibration())


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_calibration_of_release_1_8_is_reproduced() -> None:
    assert calibration_to_json(calibrate_release("1.8")) == calibration_to_json(load_calibration(sdk="1.8"))


@pytest.mark.parametrize("compiled_cores", [1, 4])
def test_one_instance_per_core_scales_and_four_on_one_core_do_not(compiled_cores: int) -> None:
    from axemu.emulator.metis import Board, BoardState, Call, InstanceSpec, simulate

    target = load_target("squeezenet1_1", 1)
    specs = [
        InstanceSpec(i, target.core, (i % compiled_cores,), target.input_bytes, target.output_bytes)
        for i in range(4)
    ]
    calls = 50
    together = simulate(Board(), (BoardState(),), specs, [[Call(i)] * calls for i in range(4)])
    alone = simulate(Board(), (BoardState(),), specs[:1], [[Call(0)] * calls])
    gain = 4 * alone.elapsed / together.elapsed
    if compiled_cores == 4:
        # They meet at the DDR, where their frames come from.
        assert 3.8 < gain <= 4
    else:
        # The host's time and the copies of one overlap with the execution of another, the core itself is shared.
        executing = sum(c.device_end - c.device_start for c in alone.calls[0])
        assert gain == pytest.approx(alone.elapsed / executing, rel=0.03)


def test_measured_cases_name_their_source() -> None:
    cases: list[Case] = [*published(), *gemm(), *core_scaling()]
    assert all(case.source.startswith("https://") for case in cases)
