"""`axemu info`, `run` and `report`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli.axemu import app

MakeModel = Callable[..., Path]
PROGRAM = """
import sys
import numpy as np
from axelera.runtime import Context

context = Context()
instance = context.device_connect().load_model_instance(context.load_model(sys.argv[1]))
for _ in range(3):
    instance.run([np.zeros((1, 4, 4, 64), np.int8)], [np.empty((1, 4, 4, 64), np.int8)])
sys.exit(int(sys.argv[2]))
"""


def axemu(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from axemu.cli.axemu import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=120
    )


def test_info_names_drivers_boards_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", 'boards = "m2"')
    text = CliRunner().invoke(app, ["info"]).stdout
    for words in (
        "selected driver: emulator (from default)",
        "environment variable AXEMU_EMULATOR",
        "board 0: metis-0:1:0, m2, m2, 1024 MiB, 4 cores",
        "simulated",
        "drivers: emulator, native",
    ):
        assert words in text


def test_info_says_why_a_driver_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXELERA_DRIVER", "native")
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", "/nowhere.so")
    result = CliRunner().invoke(app, ["info"])
    assert result.exit_code == 0
    assert (
        "selected driver: native (from environment variable AXELERA_DRIVER)\nwhich cannot be used:"
        in result.stdout
    )


def test_an_unmodified_program_that_releases_nothing_leaves_a_report(
    make_model: MakeModel, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = axemu("run", "--report", "out/report.json", str(program), str(make_model()), "3")
    assert (done.returncode, done.stderr) == (3, "")
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [one["frames"] for one in document["instances"]] == [3]
    shown = CliRunner().invoke(app, ["report", "out/report.json"])
    assert shown.stdout.startswith("simulated by timing model ")
    assert "0 twice" in shown.stdout


def test_by_default_the_report_is_text_on_stderr(make_model: MakeModel, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = axemu("run", str(program), str(make_model()), "0")
    assert (done.returncode, done.stdout) == (0, "")
    assert "simulated by timing model" in done.stderr


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('hello')", "never asked for a board"),
        ("import axelera.runtime as axr\naxr.Context().list_devices()", "loaded no model"),
    ],
)
def test_a_program_without_a_report_is_told_why(program: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(program)
    done = axemu("run", "program.py")
    assert done.returncode == 0
    assert done.stderr.startswith("axemu run: no report: program.py ")
    assert said in done.stderr


def test_a_program_that_a_signal_ended_has_the_status_that_shells_give(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import os; os.kill(os.getpid(), 15)")
    assert axemu("run", "program.py").returncode == 128 + 15


def test_a_report_has_rates_per_instance_per_thread_and_in_total(
    make_model: MakeModel, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("""
import sys
import numpy as np
from axelera.runtime import Context

with Context() as context:
    model = context.load_model(sys.argv[1])
    instances = [context.device_connect().load_model_instance(model) for _ in range(2)]
    for number in range(10):
        frame = np.full((1, 4, 4, 64), number, np.int8)
        instances[number % 2].run([frame], [np.empty((1, 4, 4, 64), np.int8)])
""")
    done = axemu("run", "--report", "report.json", "program.py", str(make_model()))
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "report.json").read_text())
    total, (stream,) = document["total"], document["streams"]
    assert (total["frames"], stream["calls"]) == (10, 10)
    rates = [one["fps"] for one in document["instances"]]
    assert total["fps"] == pytest.approx(sum(rates), rel=0.2)
    shown = CliRunner().invoke(app, ["report", "report.json"]).stdout
    assert f"{total['fps']:.1f}" in next(line for line in shown.splitlines() if line.startswith("total"))
    assert "thread  calls  calls/s" in shown


def test_what_follows_the_program_is_the_programs(tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text("import sys; print(sys.argv[1:])")
    done = axemu("run", "show.py", "--help", "--report", "x", "-k", "--", "y")
    assert (done.returncode, done.stdout) == (0, "['--help', '--report', 'x', '-k', '--', 'y']\n")


def test_each_context_of_a_program_writes_its_own_report(make_model: MakeModel, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import runpy\n" + PROGRAM.replace("sys.exit", "str") + "context.release()\n" + PROGRAM
    )
    done = axemu("run", "--report", "report.json", str(program), str(make_model()), "0")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("report*.json")) == ["report-2.json", "report.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"simulated": true}'])
def test_a_file_that_is_no_report_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    result = CliRunner().invoke(app, ["report", "x.json"])
    assert result.exit_code == 1
    assert "x.json is not a report" in result.stderr


def test_a_missing_program_is_an_error() -> None:
    result = CliRunner().invoke(app, ["run", "nowhere.py"])
    assert result.exit_code == 1
    assert "nowhere.py" in result.stderr


@pytest.mark.parametrize("arguments", [["info"], ["zoo", "list"], ["zoo", "show", "resnet18"]])
def test_a_reader_that_has_seen_enough_is_no_error(arguments: list[str]) -> None:
    command = [sys.executable, "-c", "from axemu.cli.axemu import main; main()", *arguments]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_character_that_the_terminal_lacks_is_no_error() -> None:
    program = """
import typer
from axemu.cli._errors import start
app = typer.Typer()
app.command()(lambda: print("224" + chr(215) + "224"))
start(app)
"""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert (done.returncode, done.stdout) == (0, "224\\xd7224\n"), done.stderr
