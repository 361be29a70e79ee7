"""Boards run directories of the vendor's compiler as they are: translated in memory, once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests._vendor.networks import everything, frame
from tests._vendor.reference import Reference
from tests._vendor.writer import write_archive

import axelera.runtime as axr
from axelera.compiler import importing
from axemu import faces
from axemu.model import imported_program, write_axm
from axemu.studies import load_target


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A directory with every known layer, (8, 16, 4) in and 10 of 64 values out."""
    return directory(tmp_path / "whole")


def directory(path: Path, seed: int = 0) -> Path:
    net, x, y = everything(seed)
    buffers = [net.port(x, (8, 8, 3), (8, 16, 4))]
    return net.directory(path, buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})


@pytest.fixture
def translations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which directories are translated, each time one is."""
    seen: list[Path] = []
    original = importing.import_program

    def counted(path: Path) -> Any:
        seen.append(path)
        return original(path)

    monkeypatch.setattr(importing, "import_program", counted)
    return seen


def run(path: Path) -> npt.NDArray[np.int8]:
    """Run one frame of zero points and one of numbers; return the results."""
    with axr.Context() as context:
        model = context.load_model(path)
        instance = context.device_connect().load_model_instance(model)
        outputs = []
        for seed in (1, 2):
            values = np.random.default_rng(seed).integers(-128, 128, model.inputs()[0].shape).astype(np.int8)
            result = np.empty(model.outputs()[0].shape, np.int8)
            instance.run([values], [result])
            outputs.append(result)
        return np.stack(outputs)


def test_a_frame_gives_what_the_program_says(whole: Path) -> None:
    reference, (net, x, _) = Reference(whole / "quantized_model.pt"), everything()
    reference.run(frame(net, x, (8, 8, 3), 5))
    values = np.full((1, 8, 16, 4), -7, np.int8)
    values[0, :, :8, :3] = reference.taps["input_qre"][0].transpose(1, 2, 0)
    with axr.Context() as context:
        model = context.load_model(whole)
        result = np.empty(model.outputs()[0].shape, np.int8)
        context.device_connect().load_model_instance(model).run([values], [result])
    np.testing.assert_array_equal(result[0, 0, 0, :10], reference.taps["y_qre"].ravel())


def test_the_directory_its_archive_and_its_import_give_the_same(whole: Path, tmp_path: Path) -> None:
    archive = write_axm(whole, tmp_path / "net.axm")
    importing.write_import(whole, tmp_path / "imported")
    expected = run(whole)
    assert len(np.unique(expected)) > 10
    np.testing.assert_array_equal(run(archive), expected)
    np.testing.assert_array_equal(run(tmp_path / "imported"), expected)


def test_nothing_is_written_into_the_directory(whole: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in whole.iterdir()}
    run(whole)
    assert {path.name: path.stat().st_mtime_ns for path in whole.iterdir()} == before


def test_a_directory_is_translated_once_however_often_it_is_loaded(
    whole: Path, translations: list[Path]
) -> None:
    for _ in range(3):
        run(whole)
    assert len(translations) == 1


def test_a_changed_file_is_translated_again(whole: Path, tmp_path: Path, translations: list[Path]) -> None:
    first = run(whole)
    other = directory(tmp_path / "other", seed=1)
    (whole / "quantized_model.pt").write_bytes((other / "quantized_model.pt").read_bytes())
    os.utime(whole / "quantized_model.pt", ns=(1, 1))
    assert not np.array_equal(run(whole), first)
    assert len(translations) == 2


def test_what_is_kept_is_bounded(tmp_path: Path, translations: list[Path]) -> None:
    paths = [directory(tmp_path / f"net{seed}", seed) for seed in range(5)]
    for path in (*paths, paths[4], paths[0]):
        imported_program(path)
    assert len(translations) == 6


def test_values_may_be_left_out(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", "compute = 'off'")
    assert (run(whole) == -30).all()


def test_a_refused_program_says_so_when_it_is_loaded_onto_a_board(whole: Path) -> None:
    write_archive(whole / "quantized_model.pt", {"version": b"3"})
    with axr.Context() as context:
        model = context.load_model(whole)
        assert model.outputs()[0].zero_point == -30
        with pytest.raises(
            axr.InvalidArgument, match=r"quantized_model\.pt: member 'constants\.pkl' is missing"
        ):
            context.device_connect().load_model_instance(model)


def test_threads_that_load_at_the_same_time_agree(whole: Path) -> None:
    results: list[npt.NDArray[np.int8]] = []

    def work(load: Callable[[Path], npt.NDArray[np.int8]]) -> None:
        results.append(load(whole))

    with axr.Context() as context:
        model = context.load_model(whole)
        values = np.random.default_rng(1).integers(-128, 128, model.inputs()[0].shape).astype(np.int8)

        def load(_: Path) -> npt.NDArray[np.int8]:
            result = np.empty(model.outputs()[0].shape, np.int8)
            context.device_connect().load_model_instance(model).run([values], [result])
            return result

        threads = [threading.Thread(target=work, args=(load,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, results[0]) for result in results)


def test_where_another_compiler_hides_ours_the_message_says_how_to_start(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(name: str) -> None:
        raise ImportError(f"{name} is somebody else's; start the program with `axemu run`")

    monkeypatch.setattr(faces, "check", hidden)
    with pytest.raises(axr.IncompatibleDevice, match=r"axelera\.compiler of this SDK.*axemu run"):
        imported_program(whole)


def test_a_prediction_takes_the_core_program_of_the_translation(whole: Path) -> None:
    target = load_target(whole)
    assert target.core == imported_program(whole).core
    assert target.input_bytes == 8 * 16 * 4
