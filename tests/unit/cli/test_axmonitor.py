"""`axmonitor` without a screen, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.monitor._snapshots import snapshot
from typer.testing import CliRunner

from axemu.cli.axmonitor import app
from axemu.driver import reserve
from axemu.emulator.watching import Snapshot
from axemu.monitor import Recorder, markdown

RUN = [snapshot(100, 1.0, 500), snapshot(101, 2.0, 900, ended=True)]


@pytest.fixture
def data() -> str:
    with Recorder(Path("axmonitor.data")) as recorder:
        for one in RUN:
            recorder.take([one])
    return "axmonitor.data"


def test_without_a_terminal_it_prints_once_and_ends() -> None:
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stdout) == (0, "No program holds an emulated board.\n")


def test_a_program_without_frames_is_shown_by_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axemu.cli.axmonitor.PATIENCE", 0)
    reservation = reserve("metis-0:1:0", 2)
    result = CliRunner().invoke(app, ["--once"])
    assert "holds cores 0, 1; no figures yet" in result.stdout
    reservation.release()


def test_a_recording_is_shown_as_of_its_end(data: str) -> None:
    result = CliRunner().invoke(app, ["--replay"])
    assert result.exit_code == 0
    assert "app.py (7) · 2.000 s of board time · virtual, ended" in result.stdout


def test_a_recording_is_printed_as_json(data: str) -> None:
    result = CliRunner().invoke(app, ["--replay", "--json"])
    assert [Snapshot.model_validate(json.loads(line)) for line in result.stdout.splitlines()] == RUN


@pytest.mark.parametrize("target", ["-", "summary.md"])
def test_a_recording_is_summed_up(data: str, target: str) -> None:
    result = CliRunner().invoke(app, ["--summary", target])
    assert result.exit_code == 0
    assert (result.stdout if target == "-" else Path(target).read_text(encoding="utf-8")) == markdown(RUN)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--record", "--replay"], 2, "exclude each other"),
        (["--summary", "a.txt"], 2, "name a file .md or .svg"),
        (["--replay", "--data-file", "none"], 1, "none"),
        (["--record", "--data-file", "axmonitor.data", "--once"], 1, "axmonitor.data exists"),
    ],
)
def test_what_cannot_be_is_refused(data: str, arguments: list[str], code: int, words: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code
    assert words in result.stderr


def test_a_screen_without_textual_says_what_to_install(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axemu.cli.axmonitor._on_terminal", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for arguments in ([], ["--replay"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 1
        assert "pip install 'axemu[monitor]'" in result.stderr
