"""The output directory is the old one or the new one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axelera.compiler import CompilerError, ConfigurationError
from axemu.cli._compile_output import Outcome, output_directory, write_report


def earlier_run(path: Path) -> Path:
    path.mkdir()
    (path / "compilation_report.json").write_text("{}")
    (path / "conf.json").touch()
    return path


def test_a_new_directory_appears_with_everything_in_it(tmp_path: Path) -> None:
    with output_directory(tmp_path / "a" / "out", overwrite=False) as folder:
        (folder / "file").touch()
        assert not (tmp_path / "a" / "out").exists()
    assert [p.name for p in (tmp_path / "a").rglob("*")] == ["out", "file"]


def test_an_earlier_run_is_replaced_whole(tmp_path: Path) -> None:
    out = earlier_run(tmp_path / "out")
    with output_directory(out, overwrite=True) as folder:
        (folder / "new").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "new"]


def test_an_exception_leaves_the_earlier_run(tmp_path: Path) -> None:
    out = earlier_run(tmp_path / "out")
    with contextlib.suppress(KeyboardInterrupt), output_directory(out, overwrite=True) as folder:
        (folder / "new").touch()
        raise KeyboardInterrupt
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["compilation_report.json", "conf.json", "out"]


@pytest.mark.slow
def test_a_killed_process_leaves_the_earlier_run(tmp_path: Path) -> None:
    out = earlier_run(tmp_path / "out")
    program = (
        "import os, signal, sys, pathlib\n"
        "from axemu.cli._compile_output import output_directory\n"
        "with output_directory(pathlib.Path(sys.argv[1]), overwrite=True) as folder:\n"
        "    (folder / 'new').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert sorted(os.listdir(out)) == ["compilation_report.json", "conf.json"]  # noqa: PTH208  names only


def test_an_existing_directory_needs_overwrite(tmp_path: Path) -> None:
    out = earlier_run(tmp_path / "out")
    with pytest.raises(ConfigurationError, match="--overwrite"), output_directory(out, overwrite=False):
        pass


def test_an_empty_directory_needs_none(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with output_directory(tmp_path / "out", overwrite=False) as folder:
        (folder / "file").touch()
    assert (tmp_path / "out" / "file").is_file()


def test_files_added_to_an_earlier_run_go_only_when_told(tmp_path: Path) -> None:
    out = earlier_run(tmp_path / "out")
    (out / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match=r"notes\.txt"), output_directory(out, overwrite=True):
        pass
    with output_directory(out, overwrite=True, added_too=True) as folder:
        (folder / "new").touch()
    assert [p.name for p in out.iterdir()] == ["new"]


@pytest.mark.parametrize("name", ["", "precious"])
def test_something_that_is_no_earlier_run_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_text("work of years")
    with (
        pytest.raises(ConfigurationError, match="output directory"),
        output_directory(tmp_path / name, overwrite=True),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "work of years"


def test_the_report_names_status_error_and_every_problem(tmp_path: Path) -> None:
    error = CompilerError("two things")
    error.violations = ("first", "second")  # type: ignore[attr-defined]
    write_report(Outcome("QTOOLS_ERROR", error, {"tiling_depth": "why"}), tmp_path)
    assert json.loads((tmp_path / "compilation_report.json").read_text()) == {
        "status": "QTOOLS_ERROR",
        "settings_without_effect": {"tiling_depth": "why"},
        "error": {"type": "CompilerError", "message": "two things", "problems": ["first", "second"]},
    }
