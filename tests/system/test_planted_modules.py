"""A file beside the user's data that is called like a module we import is data, not code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests._sizes import FULL

from axemu.emulator.compute import _library

MODULES = ("numba", "numpy", "json", "llvmlite", "scipy", "onnx", "typer", "pathlib", "simpy", "yaml")
SCRIPTS = Path(sys.executable).parent
SAY = "import sys, {0}; open(sys.argv[2], 'w').write('\\n'.join(str(getattr(sys.modules[name], '__file__', '')) for name in '{0}'.split(', ')))"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A directory with modules that leave a file `ran` when they are imported."""
    directory = tmp_path / "data"
    directory.mkdir()
    for name in MODULES:
        (directory / f"{name}.py").write_text(
            f"open({str(directory / 'ran')!r}, 'a').write({name!r})\nraise ImportError('planted')\n"
        )
    (directory / ".numba_config.yaml").write_text("disable_jit: 1\n")
    return directory


@pytest.mark.parametrize("path", [None, f"{os.pathsep}/nowhere", "."])
def test_the_compiler_imports_nothing_from_the_current_directory(
    path: str | None, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    names = "numba, numpy, json, llvmlite, axemu.emulator.compute"
    monkeypatch.setattr(_library, "_CHILD", SAY.format(names))
    monkeypatch.chdir(planted if path != "." else tmp_path)  # who names the current directory gets it
    if path is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", path)
    files = _library._generate("portable", tmp_path / "cache").decode().splitlines()
    assert len(files) == 5
    assert not [file for file in files if file.startswith(str(planted))]
    assert not (planted / "ran").exists()


def test_packages_that_pythonpath_names_are_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "one_of_mine.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "packages")
    monkeypatch.setattr(_library, "_CHILD", SAY.format("one_of_mine"))
    (tmp_path / "cache").mkdir()
    assert _library._generate("portable", tmp_path / "cache").decode() == str(
        tmp_path / "packages" / "one_of_mine.py"
    )


def tool(planted: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if not FULL:  # else the kernels are built here, from a cache that is empty
        environment["AXEMU_COMPUTE"] = "reference"
    environment["AXEMU_CACHE_DIR"] = str(planted.parent / "cache")
    return subprocess.run(
        command, cwd=planted, capture_output=True, text=True, env=environment, check=False, timeout=280
    )


@pytest.mark.skipif(not (SCRIPTS / "axrunmodel").exists(), reason="the console scripts are not installed")
def test_the_tools_run_none_of_the_users_data(digits_onnx: Path, planted: Path) -> None:
    for command in (
        ("axcompile", "--input", str(digits_onnx), "--output", "out", "--dataset-len", "2"),
        ("axrunmodel", "out/compiled_model", "--seconds", "0.001"),
        ("axemu", "info"),
        ("axdevice",),
    ):
        done = tool(planted, str(SCRIPTS / command[0]), *command[1:])
        assert done.returncode == 0, done.stderr
    assert not (planted / "ran").exists()


@pytest.mark.parametrize("name", ["axcompile", "axdownloadmodel"])
def test_nor_do_they_as_modules(name: str, planted: Path) -> None:
    done = tool(planted, sys.executable, "-m", f"axemu.cli.{name}", "--help")
    assert done.returncode == 0, done.stderr
    assert not (planted / "ran").exists()
