"""Writing and reading the program files, whole and damaged."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests._sizes import sample

from axemu.driver import AxeleraError, IncompatibleDevice, InvalidArgument
from axemu.model.ops import execute
from axemu.model.program import Program, _files, read_program, write_program


def test_a_program_survives_the_files(program: Program, directory: Path) -> None:
    again = read_program(directory)
    assert (again.name, again.batch, again.inputs, again.outputs) == ("small", 2, ("in",), ("out",))
    assert again.core == program.core
    assert {n: (t.shape, np.float32(t.scale), t.zero_point) for n, t in again.tensors.items()} == {
        n: (t.shape, np.float32(t.scale), t.zero_point) for n, t in program.tensors.items()
    }
    for mine, theirs in zip(again.nodes, program.nodes, strict=True):
        assert (mine.op, mine.name, mine.inputs, mine.output) == (
            theirs.op,
            theirs.name,
            theirs.inputs,
            theirs.output,
        )
        assert dict(mine.attributes) == dict(theirs.attributes)
        assert dict(mine.constants) == dict(theirs.constants)
    assert again.constants.keys() == program.constants.keys()
    for name, value in program.constants.items():
        assert again.constants[name].dtype == value.dtype
        np.testing.assert_array_equal(again.constants[name], value)


@pytest.mark.parametrize("numerics", ["metis", "exact"])
def test_a_program_read_back_gives_the_same_bits(program: Program, directory: Path, numerics: Any) -> None:
    frame = {"in": np.random.default_rng(9).integers(-128, 128, (6, 16, 4)).astype(np.int8)}
    before, after = execute(program, frame, numerics), execute(read_program(directory), frame, numerics)
    np.testing.assert_array_equal(before["out"], after["out"])
    assert len(np.unique(before["out"])) > 3


def test_equal_programs_give_equal_bytes(program: Program, directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("model.json", "manifest.json"):
        (other / name).write_bytes((directory / name).read_bytes())
    shuffled = replace(
        program,
        tensors=dict(reversed(program.tensors.items())),
        constants=dict(reversed(program.constants.items())),
    )
    write_program(other, shuffled)
    for name in ("program.json", "program.bin"):
        assert (other / name).read_bytes() == (directory / name).read_bytes()


def test_constants_are_aligned_and_read_only(directory: Path) -> None:
    constants = read_program(directory).constants
    assert all(value.ctypes.data % 64 == 0 for value in constants.values())
    with pytest.raises(ValueError, match="read-only"):
        constants["silu"][0] = 1


def test_constants_stay_when_their_file_is_cut_off(directory: Path) -> None:
    constants = read_program(directory).constants
    expected = {name: value.tobytes() for name, value in constants.items()}
    os.truncate(directory / "program.bin", 0)
    child = os.fork()  # of a mapped file this would be the end of the process
    if child == 0:
        os._exit(int(expected != {name: value.tobytes() for name, value in constants.items()}))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_is_read_is_what_was_checked(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(path: Path, *arguments: Any) -> Any:
        if path.name == "program.bin":  # after its size was looked at
            os.truncate(path, path.stat().st_size - 1)
        return check(path, *arguments)

    check = _files._check_size
    monkeypatch.setattr(_files, "_check_size", cut_off)
    with pytest.raises(
        InvalidArgument, match=r"program.bin: has \d+ bytes, expected \d+: truncated or changed"
    ):
        read_program(directory)


@pytest.mark.parametrize("name", ["program.json", "program.bin", "model.json", "manifest.json"])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(IncompatibleDevice, match=f"{name} is missing.*[Cc]ompile"):
        read_program(directory)


@pytest.mark.parametrize("name", ["program.bin", "model.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["truncated", "extended", "flipped"])
def test_a_damaged_file_is_named(directory: Path, name: str, damage: str) -> None:
    path = directory / name
    data = path.read_bytes()
    flipped = bytes([data[0] ^ 1]) + data[1:]
    path.write_bytes({"truncated": data[:-1], "extended": data + b"x", "flipped": flipped}[damage])
    with pytest.raises(InvalidArgument, match=name.replace(".", "\\.")):
        read_program(directory)


@pytest.mark.parametrize("name", ["program.json", "program.bin"])
def test_a_link_out_of_the_directory_is_refused(directory: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (directory / name).rename(outside)
    (directory / name).symlink_to(outside)
    with pytest.raises(InvalidArgument, match="outside the directory"):
        read_program(directory)


def test_a_pipe_in_place_of_a_file_does_not_block(directory: Path) -> None:
    (directory / "program.json").unlink()
    os.mkfifo(directory / "program.json")
    with pytest.raises(IncompatibleDevice, match=r"program\.json is missing"):
        read_program(directory)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1, "a": 2}', b'{"format_version": NaN}', b"9" * 10_000],
    ids=["empty", "cut", "not UTF-8", "deep", "twice", "NaN", "long number"],
)
def test_text_that_is_not_json_is_refused(directory: Path, text: bytes) -> None:
    (directory / "program.json").write_bytes(text)
    with pytest.raises(InvalidArgument, match=r"program\.json"):
        read_program(directory)


def test_a_program_without_values_is_not_written(program: Program, directory: Path) -> None:
    with pytest.raises(InvalidArgument, match="carries no values"):
        write_program(directory, replace(program, constants={}))


def test_writing_needs_the_files_it_covers(program: Program, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"model\.json is missing"):
        write_program(tmp_path, program)


Edit = Callable[[dict[str, Any]], Any]


def node(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["nodes"] if entry["name"] == name)


EDITS: list[tuple[Edit, type[AxeleraError], str]] = [
    (lambda d: d.update(format_version=3), IncompatibleDevice, "format_version is 3"),
    (lambda d: d.update(numerics_version=99), IncompatibleDevice, "numerics_version is 99"),
    (lambda d: d.pop("nodes"), InvalidArgument, "'nodes' is missing"),
    (lambda d: d.update(nodes={}), InvalidArgument, r"\$\.nodes: is {}, expected an array"),
    (lambda d: d.update(batch=5), InvalidArgument, r"\$\.batch: is 5, expected an integer within 1\.\.4"),
    (lambda d: d.update(batch=True), InvalidArgument, r"\$\.batch"),
    (lambda d: d.update(name=["x"]), InvalidArgument, r"\$\.name"),
    (lambda d: d.update(inputs=["nobody"]), InvalidArgument, "unknown tensor 'nobody'"),
    (lambda d: d.update(outputs=[]), InvalidArgument, "outputs are"),
    (lambda d: d["files"].pop("program.bin"), InvalidArgument, r"'program\.bin' is missing"),
    (lambda d: d["files"]["program.bin"].update(sha256="0" * 64), InvalidArgument, r"program\.bin: sha256"),
    (lambda d: d["tensors"].append(d["tensors"][0]), InvalidArgument, "defined twice"),
    (lambda d: d["tensors"][0].pop(), InvalidArgument, r"tensors\[0\]"),
    (lambda d: d["tensors"][0].__setitem__(1, [1, 1]), InvalidArgument, r"shape is \[1, 1\]"),
    (lambda d: d["tensors"][0].__setitem__(1, [1 << 20, 1 << 20, 1 << 20]), InvalidArgument, "takes"),
    (lambda d: d["tensors"][0].__setitem__(2, 0.0), InvalidArgument, "scale 0"),
    (lambda d: d["tensors"][0].__setitem__(2, 10**400), InvalidArgument, "finite number"),
    (lambda d: d["tensors"][0].__setitem__(3, 40000), InvalidArgument, "zero point 40000"),
    (
        lambda d: d["tensors"].append(["ghost", [1, 1, 1], 1.0, 0]),
        InvalidArgument,
        "'ghost' is produced by nobody",
    ),
    (lambda d: node(d, "conv").update(op="eval"), InvalidArgument, "operator 'eval' is unknown"),
    (lambda d: node(d, "conv").update(name="silu"), InvalidArgument, "'silu': the name is used twice"),
    (lambda d: node(d, "conv").update(inputs=["d"]), InvalidArgument, "'d' is read before it is produced"),
    (lambda d: node(d, "conv").update(output="image"), InvalidArgument, "'image' has another producer"),
    (
        lambda d: node(d, "conv")["constants"].update(weight="x"),
        InvalidArgument,
        "names 'x', which does not exist",
    ),
    (lambda d: node(d, "conv")["constants"].pop("weight"), InvalidArgument, "constant 'weight' is missing"),
    (
        lambda d: node(d, "conv")["constants"].update(weight="silu"),
        InvalidArgument,
        "constant 'weight' has shape",
    ),
    (lambda d: node(d, "conv")["attributes"].update(kernel=[3, 1 << 45]), InvalidArgument, "kernel"),
    (lambda d: node(d, "conv")["attributes"].update(kernel={"a": 1}), InvalidArgument, "kernel"),
    (lambda d: node(d, "crop")["attributes"].update(starts=[0, 9, 0]), InvalidArgument, "reach past"),
    (lambda d: d["nodes"].reverse(), InvalidArgument, "read before it is produced"),
    (lambda d: d["constants"][0].__setitem__(1, "object"), InvalidArgument, "dtype is 'object'"),
    (
        lambda d: d["constants"][0].__setitem__(2, [1 << 33, 1 << 33]),
        InvalidArgument,
        r"constants\[0\].*lies at",
    ),
    (lambda d: d["constants"][0].__setitem__(2, [-1]), InvalidArgument, r"constants\[0\]"),
    (lambda d: d["constants"][0].__setitem__(3, 8), InvalidArgument, "multiple of 64"),
    (lambda d: d["constants"][0].__setitem__(3, 1 << 50), InvalidArgument, r"constants\[0\]"),
    (lambda d: d["constants"].append(d["constants"][0]), InvalidArgument, "defined twice"),
    (lambda d: d.update(constants=[]), InvalidArgument, "constants are missing"),
    (lambda d: d["core"]["passes"][0].append(0), InvalidArgument, r"passes\[0\]"),
    (lambda d: d["core"]["passes"][0].pop(), InvalidArgument, r"passes\[0\]: has \d+ entries"),
    (lambda d: d["core"]["passes"][0].__setitem__(2, -1), InvalidArgument, r"passes\[0\]\[2\]: is -1"),
    (lambda d: d["core"]["passes"][0].__setitem__(0, 99), InvalidArgument, "names entry 99"),
    (lambda d: d["core"]["transfers"][0].__setitem__(1, 99), InvalidArgument, r"transfers\[0\]: names entry"),
    (
        lambda d: d["core"]["steps"][0].pop(),
        InvalidArgument,
        r"steps\[0\]: has \d+ entries, expected a multi",
    ),
    (lambda d: d["core"]["steps"][0].__setitem__(0, 9), InvalidArgument, "names verb 9"),
    (lambda d: d["core"].pop("names"), InvalidArgument, "'names' is missing"),
    (lambda d: d.pop("core"), InvalidArgument, "'core' is missing"),
]


@pytest.mark.parametrize(("edit", "error", "message"), EDITS, ids=[m for _, _, m in EDITS])
def test_a_broken_program_json_is_refused(
    directory: Path, edit: Edit, error: type[AxeleraError], message: str
) -> None:
    path = directory / "program.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(error, match=message):
        read_program(directory)


def test_float_constants_must_be_finite(directory: Path) -> None:
    """A file whose hashes fit may still be made by somebody else."""
    document = json.loads((directory / "program.json").read_text())
    offset = next(row[3] for row in document["constants"] if row[0] == "conv.multiplier")
    blob = bytearray((directory / "program.bin").read_bytes())
    blob[offset : offset + 4] = np.float32(np.inf).tobytes()
    (directory / "program.bin").write_bytes(blob)
    document["files"]["program.bin"]["sha256"] = hashlib.sha256(blob).hexdigest()
    (directory / "program.json").write_text(json.dumps(document))
    with pytest.raises(InvalidArgument, match=r"'conv'.*constant 'multiplier' holds inf"):
        read_program(directory)


@settings(
    max_examples=sample(60, 3000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_random_damage_of_program_json_is_an_sdk_error_or_harmless(
    directory: Path, data: st.DataObject
) -> None:
    """Whatever a flipped byte does, it is never another exception and never a program that breaks a rule."""
    path = directory / "program.json"
    original = path.read_bytes()
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        loaded = read_program(directory)
    except AxeleraError as error:
        assert "program" in str(error)  # noqa: PT017
    else:
        execute(loaded, {name: np.zeros(loaded.tensors[name].shape, np.int8) for name in loaded.inputs})
    finally:
        path.write_bytes(original)
