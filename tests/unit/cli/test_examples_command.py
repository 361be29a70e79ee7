"""`axemu examples list` and `copy`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli._examples import app, directory

NAMES = sorted(path.stem for path in directory().glob("*.py"))


def examples(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["examples", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_list_names_every_example_with_the_commands_that_make_and_run_it() -> None:
    status, text, _ = examples("list")
    assert status == 0
    for name in NAMES:
        assert f"\n{name}: " in f"\n{text}"
    assert "    axemu demo\n    python examples/quick_start.py build/digits/1/model.json" in text


def test_list_as_json_has_the_same() -> None:
    status, text, _ = examples("list", "--json")
    listed = {one["name"]: one for one in json.loads(text)}
    assert status == 0
    assert set(NAMES) <= set(listed)
    assert listed["quick_start"]["title"] == "The smallest program: one core, one frame at a time."
    assert listed["quick_start"]["commands"][0] == "axemu demo"


def test_copy_takes_all_of_them(tmp_path: Path) -> None:
    status, text, _ = examples("copy", "--to", str(tmp_path / "mine"))
    assert status == 0
    copied = sorted(path for path in (tmp_path / "mine").rglob("*") if path.is_file())
    assert sorted(text.splitlines()) == [str(path) for path in copied]
    for path in copied:
        assert path.read_bytes() == (directory() / path.relative_to(tmp_path / "mine")).read_bytes()


def test_copy_takes_the_named_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert examples("copy", "detect", "cascade.py")[0] == 0
    assert sorted(path.name for path in (tmp_path / "examples").iterdir()) == ["cascade.py", "detect.py"]


def test_what_is_there_already_stays_unless_forced(tmp_path: Path) -> None:
    mine = tmp_path / "detect.py"
    mine.write_text("mine")
    status, _, message = examples("copy", "--to", str(tmp_path))
    assert (status, mine.read_text()) == (1, "mine")
    assert (
        message == f"axemu examples: {mine} is there already; give --force to replace it, or --to elsewhere\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["detect.py"]
    assert examples("copy", "detect", "--to", str(tmp_path), "--force")[0] == 0
    assert mine.read_text() != "mine"


def test_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    status, _, message = examples("copy", "segment", "--to", str(tmp_path))
    assert status == 2
    assert message.startswith("axemu examples: no example segment; there are by_hand, cascade, ")
