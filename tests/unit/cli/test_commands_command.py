"""`axemu commands`: what it writes, leaves alone and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli._commands import NAMES, app


def test_names_are_written_once_and_removed_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert CliRunner().invoke(app, ["--install", "--directory", str(tmp_path)]).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert CliRunner().invoke(app, ["--remove", "--directory", str(tmp_path)]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--install", "--remove"])
def test_files_of_somebody_else_stay(option: str, tmp_path: Path) -> None:
    theirs = tmp_path / NAMES[0]
    theirs.write_text("theirs", encoding="utf-8")
    CliRunner().invoke(app, [option, "--directory", str(tmp_path)])
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_options_that_exclude_each_other_are_bad_options() -> None:
    assert CliRunner().invoke(app, ["--install", "--remove"]).exit_code == 2


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = CliRunner().invoke(app, ["--install", "--directory", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert f"{tmp_path / 'file' / NAMES[0]}: cannot be written" in done.stderr
