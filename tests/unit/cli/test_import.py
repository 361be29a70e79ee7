"""`axemu import`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests._vendor.networks import everything
from typer.testing import CliRunner

from axemu.cli._import import app


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    net, x, y = everything()
    buffers = [net.port(x, (8, 8, 3), (8, 16, 4))]
    return net.directory(tmp_path / "net", buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})


def test_the_copy_lies_beside_the_directory_by_default(whole: Path) -> None:
    result = CliRunner().invoke(app, [str(whole / "model.json")])
    assert result.exit_code == 0
    assert result.output == f"{whole}-imported: 12 operators, 3048 weights, 12 passes, for 1 frame at once\n"
    assert (whole.with_name("net-imported") / "program.json").is_file()


def test_an_output_may_be_named(whole: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(whole), "--output", str(tmp_path / "deep" / "out")])
    assert result.exit_code == 0
    assert (tmp_path / "deep" / "out" / "program.bin").is_file()


def test_what_is_refused_is_one_line_and_exit_code_1(whole: Path) -> None:
    (whole / "quantized_model.pt").unlink()
    result = CliRunner().invoke(app, [str(whole)])
    assert result.exit_code == 1
    assert result.stderr.startswith("axemu import: model 'net': ")
    assert result.stderr.count("\n") == 1
