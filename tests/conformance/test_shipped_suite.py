"""The back-to-back suite that ships, and the plugin under it, as whoever installs the wheel runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from axemu.testing import write_small_model

TESTS = 40


def _run(*arguments: object, module: str = "axemu.testing", cwd: Path | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    return done.returncode, done.stdout + done.stderr


def _counts(said: str) -> dict[str, int]:
    return {what: int(count) for count, what in re.findall(r"(\d+) (passed|failed|skipped|error)", said)}


def test_the_suite_passes_on_every_driver(
    native_boards: None, emulator: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = 2")  # of those behind the C face; the plugin has its own
    code, said = _run("-q", "--metis-driver=emulator,native,function")
    assert (code, _counts(said)) == (0, {"passed": 3 * TESTS - 4, "skipped": 4}), said
    assert said.count("needs a driver that knows time; driver function knows none") == 3


def test_a_model_of_ones_own_may_stand_in_and_its_values_are_not_known(tmp_path: Path) -> None:
    small = write_small_model(tmp_path, batch=2)
    code, said = _run("-q", "-k", "test_frames", f"--metis-model={small.path}")
    assert (code, _counts(said)) == (0, {"passed": 11, "skipped": 2}), said
    assert "the results of a model of one's own are not known (--metis-model)" in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "ERROR: --metis-driver=nothing: unknown driver 'nothing'; known drivers: emulator"),
        ("native", "ERROR: --metis-driver=native: the native Axelera runtime library"),
    ],
)
def test_a_driver_that_cannot_be_had_ends_the_session_with_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", "/nowhere.so")
    code, said = _run(f"--metis-driver={name}")
    assert code == 4
    assert message in said
    assert "no tests ran" in said


APPLICATION = """
import pytest
from axemu.testing import Rate

@pytest.mark.metis_boards(3)
def test_boards(metis_boards):
    assert len(metis_boards) == 3

@pytest.mark.metis_card
def test_card(metis_context):
    raise AssertionError("there is none")

def test_rate(metis_instance, metis_model, metis_fps):
    instance = metis_instance()
    for seed in range(10):
        instance.run(metis_model.frame(seed), metis_model.outputs())
    assert isinstance(metis_fps(instance), Rate)
    assert metis_fps(instance) >= 200

@pytest.mark.metis_boards(2)
@pytest.mark.metis_faults({"kind": "dma-timeout", "at": 2, "board": "metis-0:3:0"}, seed=3)
def test_faults(metis_context, metis_instance, metis_model, metis_faults):
    import axelera.runtime as axr
    instance = metis_instance(1)
    instance.run(metis_model.frame(1), metis_model.outputs())
    assert metis_faults() == ()
    with pytest.raises(axr.UnknownError):
        instance.run(metis_model.frame(1), metis_model.outputs())
    assert [(event.kind, event.number) for event in metis_faults()] == [("dma-timeout", 2)]
"""


def test_tests_of_an_application_use_fixtures_and_markers(tmp_path: Path) -> None:
    (tmp_path / "test_application.py").write_text(APPLICATION)
    code, said = _run("-rs", "--strict-markers", "test_application.py", module="pytest", cwd=tmp_path)
    assert (code, _counts(said)) == (0, {"passed": 3, "skipped": 1}), said
    assert "needs a real card; driver emulator has none" in said


def test_faults_are_for_emulated_boards(tmp_path: Path) -> None:
    (tmp_path / "test_application.py").write_text(APPLICATION)
    code, said = _run(
        "-rs", "-k", "faults", "--metis-driver=function", "test_application.py", module="pytest", cwd=tmp_path
    )
    assert (code, _counts(said)) == (0, {"skipped": 1}), said
    assert "needs emulated boards of the test's process; driver function has none" in said


def test_a_session_that_asks_for_nothing_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_other():\n"
        "    ours = [name for name in sys.modules if name.startswith(('axemu.', 'axelera'))]\n"
        "    assert ours == ['axemu.testing', 'axemu.testing.plugin'], ours\n    assert 'numpy' not in sys.modules\n"
    )
    code, said = _run("-p", "no:hypothesispytest", "-p", "no:pytest-regressions", "-p", "no:data_regression", "-q",
                      "test_other.py", module="pytest", cwd=tmp_path)  # fmt: skip
    assert code == 0, said
    assert "metis" not in said
