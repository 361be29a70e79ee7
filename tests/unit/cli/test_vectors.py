"""`axemu vectors`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from axemu.cli import _vectors
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


def test_where_there_is_nothing_to_do_it_says_so(tmp_path: Path) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "verify", "--recording", str(tmp_path)])
    assert done.exit_code == 1
    assert "nothing to do" in done.stderr


def test_export_writes_a_directory_for_each(tmp_path: Path) -> None:
    done = RUN.invoke(_vectors.app, ["vectors", "export", "--output", str(tmp_path), "matmul*"])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {vector.name for vector in find(("matmul*",))}
