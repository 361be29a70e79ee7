"""`axemu compare`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from axemu.cli import _compare
from axemu.cli._answers import ANSWERS
from axemu.model.program import Program, read_program, write_program
from axemu.studies import record, write_recording
from axemu.testing import write_small_model

RUN = CliRunner()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return two small models, the second with one bit of its table flipped."""
    monkeypatch.chdir(tmp_path)
    for name in ("good", "bad"):
        Path(name).mkdir()
        write_small_model(Path(name))
    program: Program = read_program(Path("bad"))
    table = program.constants["table"].copy()
    table[:] ^= 8
    write_program(Path("bad"), replace(program, constants={"table": table}))
    return "good", "bad"


def test_equal_models_exit_with_0(models: tuple[str, str]) -> None:
    done = RUN.invoke(_compare.app, [models[0], f"spec:{models[0]}"])
    assert done.exit_code == 0, done.output
    assert "both hold the same integers" in done.stdout


def test_models_that_differ_exit_with_1_and_name_the_operator(models: tuple[str, str]) -> None:
    done = RUN.invoke(_compare.app, [models[1], models[0]])
    assert done.exit_code == 1
    assert "they diverge at negate (lut), tensor negated" in done.stdout
    table = [line for line in done.stdout.splitlines() if " lut " in line]
    assert len(table) == 1
    assert table[0].startswith("> negated")
    assert max(map(len, table)) <= 80


def test_json_is_all_that_is_printed(models: tuple[str, str]) -> None:
    done = RUN.invoke(_compare.app, [models[1], models[0], "--json"])
    answer = ANSWERS["axemu compare"].model_validate_json(done.stdout)
    assert answer.first == "negated"


def test_page_and_part_are_written(models: tuple[str, str]) -> None:
    done = RUN.invoke(_compare.app, [models[1], models[0], "--html", "page.html", "--reduce", "part.onnx"])
    assert done.exit_code == 1, done.output
    assert "negated" in Path("page.html").read_text(encoding="utf-8")
    assert [node.op_type for node in onnx.load("part.onnx").graph.node].count("QuantizeLinear") == 1
    with np.load("part.npz") as values:
        assert set(values) == {"input/first", "found", "expected"}


def test_inputs_are_read_from_files(models: tuple[str, str]) -> None:
    np.save("image.npy", np.zeros((2, 3, 8, 8), np.float32))
    done = RUN.invoke(_compare.app, [models[0], models[0], "--inputs", "image.npy"])
    assert "2 frames" in done.stdout


HEADER = b"{'descr': ((('|i1'"


@pytest.mark.parametrize(
    "content",
    [b"no array", b"", b"\x93NUMPY\x01\x00" + len(HEADER).to_bytes(2, "little") + HEADER],
    ids=["words", "nothing", "half a header"],
)
def test_what_is_no_array_is_refused_by_name(models: tuple[str, str], content: bytes) -> None:
    Path("image.npy").write_bytes(content)
    done = RUN.invoke(_compare.app, [models[0], models[0], "--inputs", "image.npy"])
    assert done.exit_code == 1
    assert "image.npy: no .npy file" in done.stderr


def test_a_recording_needs_no_inputs(models: tuple[str, str]) -> None:
    from axelera.runtime import Context

    frames = [[np.full((8, 8, 3), fill, np.int8)] for fill in (1, 2)]
    with Context("emulator") as context:
        write_recording(Path("card.axrec"), record(context, Path(models[1]), frames))
    done = RUN.invoke(_compare.app, ["card.axrec", models[0]])
    assert done.exit_code == 1
    assert "card.axrec (recording: board metis-0:1:0)" in done.stdout
    assert "they diverge at widen (pad), tensor padded" in done.stdout


def test_what_is_not_there_is_named(models: tuple[str, str]) -> None:
    for side in ("nowhere", "nowhere.onnx", "nowhere.axrec"):
        done = RUN.invoke(_compare.app, [side, models[0]])
        assert done.exit_code == 1
        assert side in done.stderr
