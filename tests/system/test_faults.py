"""Faults between processes: what one loses the others lose too, what one refreshes all may use, and who dies keeps nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import axelera.runtime as axr
from axemu.cli import axdevice
from axemu.driver import holders
from axemu.testing import SmallModel, write_small_model

BOARD = "metis-0:1:0"
PROGRAM = """
import sys
import axelera.runtime as axr
from axemu.testing import SmallModel
from pathlib import Path

small = SmallModel(Path(sys.argv[1]), 1, "emulator")
with axr.Context("emulator") as context:
    instance = context.device_connect(0).load_model_instance(context.load_model(small.path))
    print("loaded", flush=True)
    try:
        for line in sys.stdin:
            instance.run(small.frame(1), small.outputs())
            print("ran", flush=True)
    except axr.ConnectionError as error:
        print(error, flush=True)
        sys.exit(7)
"""

pytestmark = pytest.mark.usefixtures("own_boards")


class Other:
    """Another process with an instance, which runs a frame for each line."""

    def __init__(self, small: SmallModel) -> None:
        command = [sys.executable, "-c", PROGRAM, str(small.path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.said() == "loaded"

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.said()

    def end(self) -> int:
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def small(tmp_path: Path) -> SmallModel:
    directory = tmp_path / "small"
    directory.mkdir()
    return write_small_model(directory)


def test_a_board_that_one_process_loses_is_lost_for_all_until_axdevice_refreshes_it(
    small: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(small)
    monkeypatch.setenv("AXEMU_EMULATOR", 'faults = [{ kind = "board-lost", at = 1 }]')
    loser = Other(small)
    monkeypatch.delenv("AXEMU_EMULATOR")
    assert other.run() == "ran"
    assert "the device is lost" in loser.run()
    assert "the device is lost" in other.run()
    assert (loser.end(), other.end()) == (7, 7)
    shown = CliRunner().invoke(axdevice.app, [])
    assert (shown.exit_code, shown.stdout) == (0, f"Device 0: {BOARD} board_type=unknown (not responding)\n")
    refreshed = CliRunner().invoke(axdevice.app, ["--refresh"])
    assert refreshed.exit_code == 0
    assert refreshed.stdout.startswith(f"Device 0: {BOARD} 4GiB pcie ")
    again = Other(small)
    assert again.run() == "ran"
    assert again.end() == 0


def test_a_refresh_leaves_boards_that_answer_alone(small: SmallModel) -> None:
    other = Other(small)
    assert CliRunner().invoke(axdevice.app, ["--refresh"]).exit_code == 0
    assert other.run() == "ran"
    assert other.end() == 0


def test_a_configuration_that_is_stuck_in_one_process_is_so_in_axdevice_and_ends_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(axdevice, "READY_SECONDS", 0.1)
    monkeypatch.setenv("AXEMU_EMULATOR", 'faults = [{ kind = "configure-stuck", at = 1 }]')
    stuck = CliRunner().invoke(axdevice.app, ["--set-clock", "400"])
    assert stuck.exit_code == 1
    assert "is not finished after 0.1 s; refresh the board: axdevice --refresh -d metis-0:1:0" in stuck.stderr
    monkeypatch.delenv("AXEMU_EMULATOR")
    with axr.Context("emulator") as context:
        with pytest.raises(axr.Pending):
            context.device_connect(0)
        assert CliRunner().invoke(axdevice.app, ["--refresh"]).exit_code == 0
        context.device_connect(0).release()


def test_a_process_that_dies_with_a_frame_under_way_keeps_no_core(
    small: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", 'faults = [{ kind = "process-killed", at = 2 }]')
    other = Other(small)
    assert other.run() == "ran"
    (holder,) = holders(BOARD)
    assert holder.pid == other.process.pid
    assert other.run() == ""
    assert other.end() == -9
    assert holders(BOARD) == ()
