"""The native library is looked for in a documented order, and checked before it is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import axelera.runtime as axr
from axemu.driver import NativeDriver

Misbehave = Callable[[str], None]


def _about(driver: NativeDriver) -> str:
    try:
        return "\n".join(driver.about)
    finally:
        driver.close()


def test_an_argument_comes_before_everything(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", "/nowhere")
    assert _about(NativeDriver(card)).startswith(f"native library {card}, by argument")


def test_the_variable_names_a_file(card: Path, misbehave: Misbehave) -> None:
    assert f"{card}, by variable AXEMU_NATIVE_LIBRARY" in _about(NativeDriver())


@pytest.mark.parametrize("inside", ["lib", "lib64", "."])
def test_the_vendors_variable_names_a_directory(
    card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    shutil.copy(card, tmp_path / inside / "libaxruntime.so")
    monkeypatch.setenv("AXELERA_RUNTIME_DIR", str(tmp_path))
    assert "by variable AXELERA_RUNTIME_DIR" in _about(NativeDriver())


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


ABOUT = "from axemu.driver import NativeDriver; d = NativeDriver(); print(*d.about); d.close()"


def test_the_loaders_path_is_searched(card: Path, tmp_path: Path) -> None:
    shutil.copy(card, tmp_path / "libaxruntime.so")
    assert "by the loader's path" in _python(ABOUT, LD_LIBRARY_PATH=str(tmp_path))


def test_the_vendors_package_is_asked_in_a_process_of_its_own(card: Path, tmp_path: Path) -> None:
    package = tmp_path / "site" / "axelera" / "runtime"
    package.mkdir(parents=True)
    (tmp_path / "installed" / "lib").mkdir(parents=True)
    shutil.copy(card, tmp_path / "installed" / "lib" / "libaxruntime.so")
    (package / "__init__.py").write_text("import sys; print('noise')\n")
    (package / "configs.py").write_text(f"runtime_dir = {str(tmp_path / 'installed')!r}\n")
    # Behind our own on the path, as an installed wheel of ours has it the other way round.
    code = f"import sys; sys.path.append({str(tmp_path / 'site')!r}); {ABOUT}"
    said = _python(code)
    assert f"by runtime_dir of {tmp_path / 'site'}" in said, said


def test_a_missing_library_is_an_oserror_that_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXELERA_RUNTIME_DIR", str(tmp_path))
    said = _python("import axelera.runtime as axr; axr.Context('native')")
    assert (
        "OSError: the native Axelera runtime library (libaxruntime.so) cannot be loaded; looked at " in said
    )
    assert f"variable AXELERA_RUNTIME_DIR: no libaxruntime.so in {tmp_path}, its lib or lib64" in said
    assert "the loader's path: " in said
    assert "choose driver 'emulator' to run without a card" in said


def test_a_named_file_that_is_not_there_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", "/nowhere/lib.so")
    with pytest.raises(
        OSError, match=r"looked at variable AXEMU_NATIVE_LIBRARY: /nowhere/lib\.so is no file\. "
    ):
        axr.Context("native")


def test_what_is_no_library_is_refused_with_the_loaders_reason(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_text("text")
    with pytest.raises(OSError, match=r"looked at argument: .*lib\.so.*(invalid ELF|too short)"):
        NativeDriver(tmp_path / "lib.so")


def test_a_library_of_something_else_is_refused_by_what_it_lacks(c_compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "other.c"
    source.write_text("void *axr_create_context(void) { return 0; }\n")
    subprocess.run(
        [c_compiler, "-shared", "-fPIC", "-o", str(tmp_path / "other.so"), str(source)], check=True
    )
    with pytest.raises(
        OSError, match=r"lacks axr_destroy, .*axr_run_model_instance.*: it is not a libaxruntime"
    ):
        NativeDriver(tmp_path / "other.so")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("version-2", r"has interface version '2\.0\.1'; this SDK knows 1\.x"),
        ("other-tensors", r"measures a tensor of 420 B as 3 B: its axrTensorInfo is not the one .* \(488 B"),
        ("no-context", r"libcard\.so made no context"),
    ],
)
def test_a_library_that_is_not_known_is_refused_before_it_is_used(
    misbehave: Misbehave, words: str, message: str
) -> None:
    misbehave(words)
    with pytest.raises(OSError, match=message):
        NativeDriver()


@pytest.mark.parametrize(
    ("words", "version"), [("version-number", "7"), ("version-wild", "unknown"), ("", "1.6.0")]
)
def test_a_version_may_be_a_text_a_number_or_nonsense(misbehave: Misbehave, words: str, version: str) -> None:
    misbehave(words)
    assert f"interface version {version}" in _about(NativeDriver())


def test_importing_the_runtime_loads_neither_cffi_nor_the_binding() -> None:
    code = (
        "import sys, axelera.runtime, axemu.driver\n"
        "print([name for name in sys.modules if name in ('cffi', '_cffi_backend') or name.startswith('axemu.driver.native')])"
    )
    assert _python(code) == "[]\n"
