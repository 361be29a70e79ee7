"""`axdevice` on emulated boards."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from axemu.cli.axdevice import app

LINE = "Device 0: metis-0:1:0 4GiB pcie flver=emulated bcver=emulated clock=800MHz(0-3:800MHz) mvm=0-3:100%\n"


def test_boards_are_listed_one_per_line() -> None:
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stdout) == (0, LINE)


def test_clocks_and_limits_per_core_are_set_and_shown() -> None:
    result = CliRunner().invoke(app, ["--set-core-clock", "0-1:400", "--set-mvm-limitation", "3:50"])
    assert "clock=800MHz(0-1:400MHz,2-3:800MHz) mvm=0-2:100%,3:50%" in result.stdout
    assert "clock_profile_core_0 = 400" in result.stderr


def test_a_device_is_chosen_by_name_or_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", 'boards = ["pcie", "m2"]')
    for choice in ("1", "metis-0:3:0"):
        result = CliRunner().invoke(app, ["-d", choice])
        assert result.stdout.startswith("Device 1: metis-0:3:0 1GiB m2 ")
        assert result.stdout.count("\n") == 1


def test_verbose_shows_every_property() -> None:
    result = CliRunner().invoke(app, ["-v"])
    assert "    valid_clock_frequencies: 100,200,400,600,700,800\n" in result.stdout
    assert "    in use: no\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set-clock", "1000"], "100, 200, 400, 600, 700, 800"),
        (["--set-core-clock", "7:800"], "cores 0 to 3"),
        (["-d", "5"], "no device '5'"),
    ],
)
def test_what_is_refused_goes_to_stderr_with_exit_code_1(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stdout == ""


def test_without_boards_the_known_message_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = 0")
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stderr) == (1, "No target device found in lspci\n")
