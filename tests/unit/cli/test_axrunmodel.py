"""`axrunmodel` on emulated boards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli.axrunmodel import app, summary
from axemu.studies import Measured

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
