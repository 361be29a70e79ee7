"""`axrunmodel` runs a model through the API; `predict` never does. They have to agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from axemu.studies import Scenario, load_target, predict

LINE = re.compile(r"dev:([\d.]+) host:([\d.]+) system:([\d.]+) latency:([\d.]+)ms frames:(\d+) temp:25C\n")


@pytest.mark.usefixtures("own_boards")
@pytest.mark.parametrize("board", ["pcie", "m2"])
@pytest.mark.parametrize("double_buffer", [True, False])
@pytest.mark.parametrize("build", ["digits_1", "digits_2"])
def test_rates_agree_within_one_percent(
    board: str,
    double_buffer: bool,
    build: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model: Path = request.getfixturevalue(build)
    monkeypatch.setenv("AXEMU_EMULATOR", f'boards = "{board}"')
    command = [sys.executable, "-c", "from axemu.cli.axrunmodel import main; main()", str(model)]
    command += ["--seconds", "0.2", "--double-buffer" if double_buffer else "--no-double-buffer"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    match = LINE.search(done.stdout)
    assert match is not None, done.stdout
    predicted = predict(Scenario(model=model, board=board, double_buffer=double_buffer))
    expected = (predicted.device_fps, predicted.host_fps, predicted.system_fps)
    assert tuple(float(match[group]) for group in (1, 2, 3)) == pytest.approx(expected, rel=0.01)
    assert float(match[4]) == pytest.approx(predicted.latency_ms, rel=0.01, abs=0.05)


def test_the_output_of_axcompile_can_be_predicted_too(digits_1: Path, tmp_path: Path) -> None:
    (tmp_path / "compiled_model").symlink_to(digits_1 if digits_1.is_dir() else digits_1.parent)
    assert load_target(tmp_path) == load_target(digits_1)
