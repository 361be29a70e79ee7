"""`axrunmodel` on emulated boards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from axelera.runtime import Context
from axemu.chip import calibration_to_json, load_calibration
from axemu.cli import axzoo
from axemu.cli._answers import ANSWERS
from axemu.cli.axrunmodel import app, summary
from axemu.driver import InternalError
from axemu.studies import Measured, distribution
from axemu.studies._throughput import _verified

MakeModel = Callable[..., Path]
# The expression with which third parties read the line.
PARSER = re.compile(
    r"dev:([\d.]+)\s+host:([\d.]+)\s+system:([\d.]+)(\s+latency:([\d.]+)ms\s+frames:(\d+)\s+temp:(\d+)C)?"
)
SHORT = ["--seconds", "0.05"]


def run(*arguments: str) -> re.Match[str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.stderr
    assert "simulated" in result.stderr
    assert "calibration" in result.stderr
    (line,) = result.stdout.splitlines()
    match = PARSER.search(line)
    assert match is not None
    return match


def test_the_summary_line_has_the_format_of_release_1_6() -> None:
    measured = Measured("resnet50", 1000.04, 812.96, 799.5, 0.01234, 7995, 41.4, "")
    assert summary(measured) == (
        "resnet50,dev:1000.0 host:813.0 system:799.5 latency:12.3ms frames:7995 temp:41C"
    )


def test_model_json_and_its_directory_are_the_same_model(make_model: MakeModel) -> None:
    path = make_model()
    assert run(str(path), *SHORT).group() == run(str(path.parent), *SHORT).group()


def test_rates_are_ordered_and_frames_fill_the_seconds(make_model: MakeModel) -> None:
    match = run(str(make_model()), *SHORT)
    device, host, system = (float(match[group]) for group in (1, 2, 3))
    assert device > host > system > 0
    assert int(match[6]) == pytest.approx(system * 0.05, rel=0.05)
    assert match[7] == "25"


def test_a_calibration_of_another_release_brings_its_host(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(make_model())
    old = run(path, *SHORT)
    file = tmp_path / "new.json"
    file.write_text(calibration_to_json(load_calibration(sdk="1.8")))
    monkeypatch.setenv("AXEMU_EMULATOR", f'calibration = "{file}"')
    new = run(path, *SHORT)
    assert new[1] == old[1]
    assert float(new[2]) < float(old[2])


def test_with_a_cooling_the_temperature_is_that_of_the_junction(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(make_model())
    monkeypatch.setenv("AXEMU_EMULATOR", 'cooling = "fan", ambient = 30')
    assert 30 < int(run(path, *SHORT)[7]) < 60
    monkeypatch.setenv("AXEMU_EMULATOR", "cooling = 20, ambient = 70")
    result = CliRunner().invoke(app, [path, *SHORT])
    assert "a card this hot throttles; the rates are those before" in result.stderr


def test_two_boards_have_twice_the_rate_of_one(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(make_model())
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = 2")
    one, two = run(path, "-d", "0", *SHORT), run(path, "-d", "0,1", *SHORT)
    assert float(two[3]) == pytest.approx(2 * float(one[3]), rel=0.02)


def test_cores_limit_the_instances(make_model: MakeModel) -> None:
    path = str(make_model(mvm_slots=200_000))
    one, four = run(path, "--aipu-cores", "1", *SHORT), run(path, "--aipu-cores", "4", *SHORT)
    assert float(four[3]) == pytest.approx(4 * float(one[3]), rel=0.1)


def test_throttling_keeps_the_system_rate(make_model: MakeModel) -> None:
    match = run(str(make_model()), "--throttle-fps", "1000", "--no-double-buffer", "--seconds", "0.5")
    assert float(match[3]) == pytest.approx(1000, rel=0.02)


def test_buffers_may_be_arrays(make_model: MakeModel) -> None:
    path = str(make_model())
    arrays = run(path, "--no-input-dmabuf", "--no-output-dmabuf", *SHORT)
    assert arrays.group() == run(path, *SHORT).group()


def test_charts_go_to_stderr(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model()), *SHORT, "--show-bar-chart", "--show-histogram"])
    assert result.stdout.count("\n") == 1
    assert "FPS" in result.stderr
    assert "ms #" in result.stderr


def test_a_batch_that_needs_more_cores_is_refused(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model(batch=2)), "--aipu-cores", "1"])
    assert result.exit_code == 1
    assert "cores=1 is too few" in result.stderr


def test_a_model_that_is_not_there_is_an_error() -> None:
    result = CliRunner().invoke(app, ["nowhere/model.json"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere/model.json" in result.stderr


def test_statistics_lie_between_the_smallest_and_the_largest(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model()), *SHORT, "--show-statistics"])
    rows = dict(re.findall(r"^ *(\S+) +([\d.]+) ms$", result.stderr, re.MULTILINE))
    assert list(rows) == [
        "min",
        "mean",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "max",
        "jitter",
        "device",
        "host",
    ]
    values = {name: float(value) for name, value in rows.items()}
    ordered = [values[name] for name in ("min", "p50", "p90", "p95", "p99", "p99.9", "max")]
    assert ordered == sorted(ordered)
    assert values["min"] <= values["mean"] <= values["max"]
    assert 0 < values["device"] < values["host"]


def test_instances_are_held_against_each_other(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model()), *SHORT, "--verify-outputs", "--no-output-dmabuf"])
    assert result.exit_code == 0
    assert "4 instances returned the same outputs" in result.stderr


def test_an_instance_that_returns_something_else_is_named() -> None:
    with pytest.raises(InternalError, match="instance 2 returned other bytes than instance 0 in output 1"):
        _verified([[b"a", b"b"], [b"a", b"b"], [b"a", b"c"]])


def test_the_limit_of_the_matrix_units_is_set_on_every_core_before_the_run(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, object]] = []
    configure = Context.configure_device

    def noting(self: Context, device: object, **properties: object) -> bool:
        said.append(properties)
        return configure(self, device, **properties)  # type: ignore[arg-type]

    monkeypatch.setattr(Context, "configure_device", noting)
    run(str(make_model()), *SHORT, "--set-mvm-limit", "25")
    assert said == [{f"mvm_utilisation_core_{core}": 25 for core in range(4)}]


def test_a_limit_of_power_is_refused_by_name(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model()), "--set-power-limit", "12"])
    assert result.exit_code == 1
    assert "--set-power-limit 12: no published figure says" in result.stderr


def test_an_option_of_which_only_the_name_is_published_says_so(make_model: MakeModel) -> None:
    result = CliRunner().invoke(app, [str(make_model()), "--explore-latency"])
    assert result.exit_code == 1
    assert "--explore-latency: only its name is published; --show-statistics tells" in result.stderr


def test_axzoo_benchmark_prints_json(make_model: MakeModel) -> None:
    path = str(make_model())
    result = CliRunner().invoke(axzoo.app, ["benchmark", path, *SHORT, "--json"])
    document = json.loads(result.stdout)
    match = run(path, *SHORT)
    assert f"{document['fps']['system']:.1f}" == match[3]
    assert document["frames"] == int(match[6])
    latency = document["latency_ms"]
    assert list(latency) == ["min", "mean", "p50", "p90", "p95", "p99", "p99_9", "max", "jitter"]
    ANSWERS["axzoo benchmark"].model_validate_json(result.stdout)
    assert f"{latency['mean']:.1f}" == match[5]
    assert "simulated" in result.stderr
    assert "dev:" in CliRunner().invoke(axzoo.app, ["benchmark", path, *SHORT]).stdout


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=200))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float]) -> None:
    found = distribution(values)
    assert found is not None
    for percent, value in found.percentiles.items():
        assert value in values
        assert sum(one <= value for one in values) >= len(values) * percent / 100
        assert sum(one < value for one in values) < len(values) * percent / 100
    assert distribution([]) is None
