"""Predictions: what they contain, and that they agree with themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from axemu.chip import BOARDS, HOSTS, PARAMETERS, POWER, Provenance, calibration_to_json, load_calibration
from axemu.driver import AxeleraError, InvalidArgument
from axemu.studies import Scenario, Target, explain, load_target, predict

pytestmark = pytest.mark.slow

KEYS = {
    "host_fps",
    "device_fps",
    "system_fps",
    "latency_ms",
    "bound_by",
    "band",
    "model_version",
    "calibration_id",
}


@pytest.fixture(scope="module")
def small() -> Target:
    """All on chip."""
    return load_target("squeezenet1_1", 1)


@pytest.fixture(scope="module")
def spilling() -> Target:
    """A one-core build whose weights do not fit."""
    return load_target("resnet18", 1)


def test_an_answer_has_all_documented_keys(small: Target) -> None:
    answer = json.loads(json.dumps(predict(Scenario("squeezenet1_1"), small).to_dict()))
    assert answer.keys() >= KEYS
    low, high = answer["band"]
    assert low < answer["host_fps"] < high
    assert answer["model_version"]
    assert answer["calibration_id"]


def test_rates_are_ordered(spilling: Target) -> None:
    answer = predict(Scenario("resnet18", board="m2"), spilling)
    assert answer.device_fps > answer.host_fps > answer.system_fps > 0


def test_the_parts_of_a_call_add_up(spilling: Target) -> None:
    answer = predict(Scenario("resnet18", board="m2"), spilling)
    call_us = 4e6 / answer.host_fps
    assert sum(answer.parts_us.values()) == pytest.approx(call_us, rel=1e-3)
    assert answer.bound_by == "DDR bandwidth"


def test_units_are_busy_between_never_and_always(spilling: Target) -> None:
    answer = predict(Scenario("resnet18", board="m2"), spilling)
    assert answer.busy
    assert all(0 <= share <= 1 for share in answer.busy.values())


def test_extrapolation_agrees_with_every_frame(small: Target, spilling: Target) -> None:
    for target, board in ((small, "pcie"), (spilling, "m2")):
        short = predict(Scenario(target.name, board=board, seconds=2), target)
        long = predict(Scenario(target.name, board=board, seconds=0.5, every_frame=True), target)
        assert short.extrapolated
        assert not long.extrapolated
        assert short.frames < long.frames
        assert short.host_fps == pytest.approx(long.host_fps, rel=0.01)
        assert short.system_fps == pytest.approx(long.system_fps, rel=0.01)


def test_loops_that_repeat_exactly_are_predicted_exactly(small: Target) -> None:
    short = predict(Scenario(small.name, cores=1), small)
    long = predict(Scenario(small.name, cores=1, seconds=3, every_frame=True), small)
    assert short.frames < 200 < long.frames
    assert short.system_fps == pytest.approx(long.system_fps, rel=1e-4)
    assert short.latency_ms == pytest.approx(long.latency_ms, rel=1e-3)
    assert short.busy["board0.core0"] == pytest.approx(long.busy["board0.core0"], rel=0.01)


def test_loops_that_do_not_repeat_are_averaged(small: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    repeating = predict(Scenario(small.name, cores=1), small)
    monkeypatch.setattr("axemu.emulator.metis.Watch.look", lambda _: None)
    averaged = predict(Scenario(small.name, cores=1), small)
    assert averaged.extrapolated
    assert averaged.frames > repeating.frames
    assert averaged.host_fps == pytest.approx(repeating.host_fps, rel=0.005)


def test_the_same_question_gets_the_same_answer(spilling: Target) -> None:
    assert predict(Scenario("resnet18"), spilling) == predict(Scenario("resnet18"), spilling)


def test_a_lower_clock_is_slower_but_not_in_proportion_where_ddr_counts(spilling: Target) -> None:
    fast = predict(Scenario("resnet18", board="m2"), spilling).host_fps
    slow = predict(Scenario("resnet18", board="m2", clock=400), spilling).host_fps
    assert fast / 2 < slow < fast


def test_four_chips_behind_one_way_do_four_times_one_chip_unless_the_way_is_full(small: Target) -> None:
    one, four = (
        predict(Scenario("squeezenet1_1", board=board, cores=2), small).host_fps
        for board in ("pcie", "pcie-x4")
    )
    assert 3.9 * one < four <= 4 * one * 1.001
    full = predict(Scenario("squeezenet1_1", board="pcie-x4"), small)
    way = float(BOARDS["pcie-x4"].link_bandwidth)
    assert 0.9 < full.system_fps / (way / small.input_bytes) <= 1 + 1e-3


def test_a_slow_host_costs_its_launch_time(small: Target) -> None:
    desk, arm = (
        predict(Scenario("squeezenet1_1", host=host), small).host_fps for host in ("desktop", "embedded-arm")
    )
    added = float(HOSTS["embedded-arm"].launch) - float(HOSTS["desktop"].launch)
    assert 4 / arm - 4 / desk == pytest.approx(added, rel=1e-3)


@pytest.mark.parametrize("board", ["sbc", "m2-max", "pcie-x4"])
def test_a_board_without_calibration_gets_a_wider_band(board: str, small: Target) -> None:
    known = predict(Scenario("squeezenet1_1", board="m2"), small)
    unknown = predict(Scenario("squeezenet1_1", board=board), small)
    assert unknown.band[1] / unknown.band[0] > known.band[1] / known.band[0]


def test_a_prediction_names_the_weakest_figures_it_rests_on(small: Target) -> None:
    known = predict(Scenario("squeezenet1_1", board="pcie"), small)
    unknown = predict(Scenario("squeezenet1_1", board="sbc", host="embedded-arm"), small)
    assert (known.provenance, known.weakest_figures) == ("assumed", ("memory_floor", "softmax_vectors"))
    assert unknown.provenance == "assumed"
    assert {"memory_bandwidth", "link_bandwidth", "gap"} < set(unknown.weakest_figures)


def test_the_release_decides_on_the_host_of_a_pcie_card_only(small: Target) -> None:
    rates = {
        (board, sdk): predict(Scenario("squeezenet1_1", board=board, sdk=sdk), small)
        for board in ("pcie", "m2")
        for sdk in ("1.6", "1.8")
    }
    assert rates["m2", "1.8"].host_fps == rates["m2", "1.6"].host_fps
    assert rates["pcie", "1.8"].host_fps < 0.95 * rates["pcie", "1.6"].host_fps
    assert "Core Ultra 7 265" in rates["pcie", "1.8"].host
    assert {one.calibration_id for one in rates.values()} == {
        load_calibration(sdk=sdk).identity for sdk in ("1.6", "1.8")
    }
    assert predict(Scenario("squeezenet1_1"), small) == rates["pcie", "1.6"]


@pytest.mark.parametrize(
    ("scenario", "words", "rate"),
    [
        ({}, "host FPS in the model-zoo table of SDK v1.6", 7298),
        ({"sdk": "1.8"}, "host FPS in the model-zoo table of SDK v1.8.0", 6511),
        ({"board": "m2", "sdk": "1.8"}, "host FPS in the model-zoo table of SDK v1.8.0", 6805),
        ({"board": "m2", "mvm_utilisation": 50}, "host FPS in the model-zoo table of SDK v1.6", None),
        ({"board": "sbc"}, "nothing published (board sbc)", None),
        ({"host": "desktop-2024"}, "nothing published (host desktop-2024)", None),
        ({"cores": 2, "clock": 400, "boards": 2}, "nothing published (2 cores, 400 MHz, 2 boards)", None),
    ],
)
def test_a_prediction_says_which_published_rate_it_compares_with(
    scenario: dict[str, Any], words: str, rate: float | None, small: Target
) -> None:
    answer = predict(Scenario("squeezenet1_1", **scenario), small)
    assert (answer.comparable, answer.published_fps) == (words, rate)


def test_power_and_temperature_are_told_when_asked_for_and_change_nothing_else(spilling: Target) -> None:
    plain = predict(Scenario("resnet18", board="m2"), spilling)
    heated = predict(Scenario("resnet18", board="m2", ambient=20.0), spilling)
    assert plain.heat is None
    assert heated.heat
    assert replace(heated, heat=None) == plain
    assert heated.heat.fps == pytest.approx(plain.system_fps)
    parts = heated.heat.power_parts_w
    assert sum(parts.values()) == pytest.approx(heated.heat.power_w)
    moved = plain.system_fps * (plain.ddr_bytes_per_frame + spilling.input_bytes + spilling.output_bytes)
    assert parts["memory"] == pytest.approx(moved * POWER.memory_byte.value, rel=1e-6)
    assert json.loads(json.dumps(heated.to_dict()))["heat"]["limited_by"] == "nothing"


def test_a_throttled_rate_is_what_a_prediction_with_that_limit_says(small: Target) -> None:
    hot = predict(Scenario("squeezenet1_1", board="m2", ambient=50.0, cooling=12.0), small).heat
    assert hot
    free, limited = (
        predict(Scenario("squeezenet1_1", board="m2", mvm_utilisation=share), small).system_fps
        for share in (100, 1)
    )
    share = hot.limits["hw_throttling"]
    assert 0 < share < 1
    assert hot.limits["freq_downscaling"] == 0
    assert hot.sustained_fps == pytest.approx((1 - share) * free + share * limited, rel=1e-3)


def test_a_board_that_only_slows_down_is_simulated_at_every_clock_of_the_ladder(small: Target) -> None:
    hot = predict(Scenario("squeezenet1_1", board="m2", ambient=60.0, cooling=16.0), small).heat
    assert hot
    assert 200 <= hot.sustained_mhz < 700
    assert 0 < hot.sustained_fps < hot.fps


def test_a_batch_build_uses_as_many_cores_as_it_has_frames() -> None:
    answer = predict(Scenario("squeezenet1_1", compiled_cores=4))
    assert answer.frames % 4 == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"board": "pci"},
        {"host": "toaster"},
        {"clock": 1000},
        {"mvm_utilisation": 0},
        {"cores": 5},
        {"compiled_cores": 3},
        {"compiled_cores": 4, "cores": 2},
        {"boards": 0},
        {"seconds": 0},
        {"sdk": "1.7"},
        {"ambient": 71.0},
        {"cooling": "ice"},
        {"power_limit": 5.0},
    ],
)
def test_a_question_about_what_does_not_exist_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        Scenario("squeezenet1_1", **wrong)  # type: ignore[arg-type]


def test_an_unknown_model_is_refused_and_similar_names_are_shown() -> None:
    with pytest.raises(InvalidArgument, match="resnet50"):
        load_target("resnet5O")
    with pytest.raises(InvalidArgument, match="no such file"):
        load_target("missing.onnx")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(AxeleraError):
        load_target(broken)


def test_a_missing_calibration_is_refused(tmp_path: Path, small: Target) -> None:
    with pytest.raises(InvalidArgument, match="no such file"):
        predict(Scenario("squeezenet1_1", calibration=tmp_path / "none.json"), small)


def structure_only(path: Path) -> Path:
    shape = helper.make_tensor("w_shape", TensorProto.INT64, [4], [32, 3, 3, 3])
    nodes = [
        helper.make_node("ConstantOfShape", ["w_shape"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "structure",
        [value("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [value("y", TensorProto.FLOAT, [1, 32, 64, 64])],
        [shape],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_file_without_weights_is_predicted_as_it_is(tmp_path: Path) -> None:
    answer = predict(Scenario(structure_only(tmp_path / "structure.onnx")))
    assert answer.host_fps > 1000


def test_every_board_and_host_can_be_asked_for(small: Target) -> None:
    for board in BOARDS:
        for host in HOSTS:
            assert predict(Scenario("squeezenet1_1", board=board, host=host, cores=1), small).host_fps > 0


def test_an_explanation_accounts_for_every_operator(spilling: Target) -> None:
    explanation = explain(Scenario("resnet18", board="m2"), spilling)
    layers = {one.layer for one in spilling.core.passes}
    assert layers <= {row.name for row in explanation.rows}
    assert sum(row.macs for row in explanation.rows) == sum(one.macs for one in spilling.core.passes)
    for row in explanation.rows:
        assert row.time_us == pytest.approx(sum(row.units_us.values()))
        assert row.achieved <= row.roof * (1 + 1e-9)
    json.dumps(explanation.to_dict())


def test_the_mvm_limit_lowers_the_roof(small: Target) -> None:
    free, limited = (
        explain(Scenario("squeezenet1_1", mvm_utilisation=share), small).rows for share in (100, 5)
    )
    for row, bounded in zip(free, limited, strict=True):
        assert bounded.roof == pytest.approx(min(row.roof, 0.05 * 32768 * 800e6))
        assert bounded.achieved <= bounded.roof * (1 + 1e-9)


def test_sensitivities_have_the_sign_of_what_was_changed(spilling: Target) -> None:
    changes = explain(Scenario("resnet18", board="m2"), spilling).sensitivities
    assert changes["memory_bandwidth"][0] < -0.03 < 0.03 < changes["memory_bandwidth"][1]
    for name, (smaller, larger) in changes.items():
        faster = larger if name.endswith(("_rate", "_bandwidth")) else smaller
        assert smaller * larger <= 0 <= faster
    assert changes["gather_cycles"] == (0, 0)


@pytest.mark.parametrize(("scenario", "tolerance"), [({}, 0.002), ({"board": "m2", "clock": 400}, 0.002)])
def test_sensitivities_are_what_predictions_with_changed_figures_say(
    small: Target, tmp_path: Path, scenario: dict[str, Any], tolerance: float
) -> None:
    changes = explain(Scenario("squeezenet1_1", **scenario), small).sensitivities
    before = predict(Scenario("squeezenet1_1", **scenario), small).host_fps
    for name in PARAMETERS:
        for factor, expected in zip((0.9, 1.1), changes[name], strict=True):
            path = changed(tmp_path, name, factor)
            after = predict(Scenario("squeezenet1_1", calibration=path, **scenario), small).host_fps
            assert after / before - 1 == pytest.approx(expected, abs=tolerance)


def test_a_full_way_to_the_host_is_what_limits_four_chips_behind_it(small: Target) -> None:
    one, four = (
        explain(Scenario("squeezenet1_1", board=board), small).sensitivities for board in ("pcie", "pcie-x4")
    )
    assert one["link_bandwidth"] == (0, 0)
    assert four["link_bandwidth"] == (pytest.approx(-0.1, abs=0.01), pytest.approx(0.1, abs=0.01))


def test_cores_that_wait_for_ddr_scatter_around_the_sensitivities(spilling: Target, tmp_path: Path) -> None:
    changes = explain(Scenario("resnet18"), spilling).sensitivities
    before = predict(Scenario("resnet18"), spilling).host_fps
    for name in ("step_cycles", "lookup_cycles"):
        path = changed(tmp_path, name, 1.1)
        after = predict(Scenario("resnet18", calibration=path), spilling).host_fps
        assert after / before - 1 == pytest.approx(changes[name][1], abs=0.025)


def changed(folder: Path, name: str, factor: float) -> Path:
    """Write the shipped calibration with one figure multiplied."""
    shipped = load_calibration()
    figure = shipped.figures[name]
    what_if = figure.with_value(figure.value * factor, "a tenth more or less", Provenance.ASSUMED)
    figures = {**shipped.figures, name: what_if}
    path = folder / f"{name}-{factor}.json"
    path.write_text(calibration_to_json(replace(shipped, figures=figures)), encoding="utf-8")
    return path
