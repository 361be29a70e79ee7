"""`axemu study` beside its questions, which tests/unit/studies asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli._study import app
from axemu.studies.questions import Answer


def test_an_answer_for_another_program_is_not_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    words = "word " * 60
    for name, rate in (("before", 1), ("after", 2)):
        Answer(words.strip(), ({"FPS": rate},), (), "simulated", question="cores").save(tmp_path / name)
    result = CliRunner().invoke(app, ["study", "diff", str(tmp_path / "before"), str(tmp_path / "after")])
    assert result.exit_code == 0, result.output
    assert f"Before: {words.strip()}" in result.stdout.splitlines()


def test_a_field_is_varied_once(tmp_path: Path) -> None:
    """Values of the first option were lost."""
    field = "boards.0.clock"
    result = CliRunner().invoke(
        app, ["study", "sweep", str(tmp_path / "d.toml"), "--vary", f"{field}=400", "--vary", f"{field}=800"]
    )
    assert result.exit_code == 1
    assert result.stderr == f"axemu study sweep: --vary {field}: given twice; name all its values at once\n"
