"""`axemu vectors`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from axemu.cli import _vectors
from axemu.cli._answers import ANSWERS
from axemu.studies import read_recording, write_recording
from axemu.testing.vectors import find

RUN = CliRunner()


def test_list_names_the_vectors() -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "list", "network_*"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "12 vectors, numerics 1"


@pytest.mark.parametrize("driver", ["emulator", "function"])
def test_verify_counts_what_is_right(driver: str) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--driver", driver, "conv_silu", "add*"])
    assert done.exit_code == 0, done.output
    count = 1 + len(find(("add*",)))
    assert done.stdout.startswith(
        f"{count} of {count} vectors as they must be (driver {driver}, numerics metis; "
    )


def test_verify_fails_where_a_recording_differs(tmp_path: Path) -> None:
    assert (
        RUN.invoke(_vectors.app, ["vectors", "record", "--output", str(tmp_path), "conv_silu"]).exit_code == 0
    )
    path = tmp_path / "conv_silu.axrec"
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x40
    path.write_bytes(bytes(content))
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path)])
    assert done.exit_code == 1
    assert (
        "conv_silu: tensor 'lut_1' of node 'lut_1' (lut) differs first at frame 15, row 9, column 10, channel 19"
        in done.stdout
    )
    assert "0 of 1 vectors as they must be" in done.stdout


def test_verify_tells_every_vector_as_json(tmp_path: Path) -> None:
    written = RUN.invoke(_vectors.app, ["vectors", "record", "--output", str(tmp_path), "conv_silu", "add"])
    assert written.exit_code == 0
    path = tmp_path / "conv_silu.axrec"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path), "--json"])
    assert done.exit_code == 1
    add, conv = TypeAdapter(ANSWERS["axemu vectors verify"]).validate_json(done.stdout)
    assert (add.vector, add.passed, add.difference) == ("add", True, None)
    assert (conv.vector, conv.passed, conv.difference.tensor) == ("conv_silu", False, "lut_1")


def test_a_recording_of_other_shapes_differs(tmp_path: Path) -> None:
    """Such as a single value, which NumPy would compare with all."""
    assert (
        RUN.invoke(_vectors.app, ["vectors", "record", "--output", str(tmp_path), "constant"]).exit_code == 0
    )
    path = tmp_path / "constant.axrec"
    recording = read_recording(path)
    ((name, tensor),) = recording.outputs.items()
    flat = replace(tensor, values=tensor.values.reshape(1, 1, 1, -1))
    write_recording(path, replace(recording, outputs={name: flat}))
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path)])
    assert done.exit_code == 1
    assert "constant: output 'y' has the shape (1, 1, 1, 1323), expected (1, 7, 9, 21)" in done.stdout


@pytest.mark.parametrize("option", [["--driver", "function"], ["--numerics", "exact"], ["--models", "."]])
def test_options_of_boards_are_refused_where_there_is_none(tmp_path: Path, option: list[str]) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path), *option])
    assert done.exit_code == 2
    assert "--recording needs no board" in done.stderr


def test_where_there_is_nothing_to_do_it_says_so(tmp_path: Path) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path)])
    assert done.exit_code == 1
    assert "nothing to do" in done.stderr


def test_export_writes_a_directory_for_each(tmp_path: Path) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "export", "--output", str(tmp_path), "matmul*"])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {vector.name for vector in find(("matmul*",))}
