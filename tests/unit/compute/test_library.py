"""The cache of generated code."""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from axemu.driver import InvalidArgument
from axemu.emulator.compute import _library, _paths, generate

CODE = b"object code"


@pytest.fixture
def cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "cache"
    monkeypatch.setenv("AXEMU_CACHE_DIR", str(directory))
    yield directory
    _library.key.cache_clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the compiler; the list grows by a path with every use."""
    paths: list[str] = []

    def compile_(path: str, _directory: Path) -> bytes:
        time.sleep(0.05)
        paths.append(path)
        return CODE

    monkeypatch.setattr(_library, "_generate", compile_)
    return paths


def test_code_is_generated_once(cache_directory: Path, made: list[str]) -> None:
    first, again = (_library.object_code("portable") for _ in range(2))
    assert first == again == (next(cache_directory.glob("*.o")), CODE)
    assert made == ["portable"]


def test_the_first_use_says_what_it_does(
    cache_directory: Path, made: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _library.object_code("portable")
    assert (
        f"generating kernels for portable (about ten seconds, once per version; kept in {cache_directory})"
        in (capsys.readouterr().err)
    )


def test_users_at_the_same_time_wait_for_one_compiler(cache_directory: Path, made: list[str]) -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(_library.object_code("portable")[1])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["portable"]
    assert results == [CODE] * 6


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 100])
def test_a_damaged_file_is_made_again(cache_directory: Path, made: list[str], damage: bytes) -> None:
    file, _ = _library.object_code("portable")
    file.write_bytes(damage)
    assert _library.object_code("portable") == (file, CODE)
    assert made == ["portable"] * 2


def test_an_edited_kernel_source_is_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "compute"
    shutil.copytree(_library._HERE, sources, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(_library, "_HERE", sources)
    keys = []
    for file in (
        None,
        "micro/_tile.py",
        "ops/conv/kernel_pixels.py",
        "ops/conv/arguments.py",
        "executor/arguments.py",
        "_arguments.py",
        "_scalars.py",
        "_build.py",
    ):
        if file:
            with (sources / file).open("a") as stream:
                stream.write("# edited\n")
        _library.key.cache_clear()
        keys.append(_library.key("portable"))
    _library.key.cache_clear()
    assert len(set(keys)) == 8


def test_paths_and_features_have_their_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {_library.key(path) for path in _paths.SPECS}
    assert len(keys) == len(_paths.SPECS)
    _library.key.cache_clear()
    monkeypatch.setattr(_library, "code_features", lambda _spec: "+something-new")
    assert _library.key("avx512vnni") not in keys
    _library.key.cache_clear()


def test_a_compiler_that_hangs_is_stopped_and_remembered(
    cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_COMPILE_SECONDS", "0.05")
    with pytest.raises(_library.CompilationFailed, match=r"did not finish within 0.05 s"):
        _library.object_code("portable")

    def never(*_arguments: object, **_options: object) -> None:
        pytest.fail("the compiler was started again")

    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(_library.CompilationFailed) as raised:
        _library.object_code("portable")
    assert re.search(
        r"failed 0 min ago \(.*within 0.05 s\); it is tried again in 60 min, or now by `axemu warm`",
        str(raised.value),
    )


@pytest.mark.parametrize("age", [_library.EXPIRY + 1, -3600])
def test_a_failure_on_record_expires(
    cache_directory: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, age: float
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(_library, "_generate", _fail)
        with pytest.raises(_library.CompilationFailed):
            _library.object_code("portable")
    (record,) = cache_directory.glob("*.failed")
    with pytest.raises(_library.CompilationFailed, match="failed 0 min ago"):
        _library.object_code("portable")
    os.utime(record, (time.time() - age,) * 2)  # also by a clock that was put back
    assert _library.object_code("portable")[1] == CODE
    assert not record.exists()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, "OSError: [Errno 28] No space left on device"),
        (1, "MemoryError"),
        (-signal.SIGKILL, ""),
    ],
)
def test_what_may_pass_is_tried_again_by_the_next_process(
    cache_directory: Path, monkeypatch: pytest.MonkeyPatch, status: int, words: str
) -> None:
    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, status, "", words)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(_library.CompilationFailed, match="the compiler failed: "):
        _library.object_code("portable")
    assert not list(cache_directory.glob("*.failed"))


def test_code_that_cannot_be_kept_is_a_failure_that_may_pass(
    cache_directory: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_library, "write_code", full)
        with pytest.raises(
            _library.CompilationFailed, match=r"cannot be kept in .*cache: No space left on device; make room"
        ):
            _library.object_code("portable")
    assert _library.object_code("portable")[1] == CODE


def test_a_process_pauses_after_a_failure_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fail(path: str) -> tuple[Path, bytes]:
        tried.append(path)
        raise _library.CompilationFailed("no room")

    monkeypatch.setattr(_library, "_libraries", {})
    monkeypatch.setattr(_library, "_failures", {})
    monkeypatch.setattr(_library, "object_code", fail)
    for _ in range(3):
        with pytest.raises(_library.CompilationFailed, match="no room"):
            _library.library("portable")
    assert tried == ["portable"]
    monkeypatch.setattr(_library, "PAUSE", 0.0)
    with pytest.raises(_library.CompilationFailed, match="no room"):
        _library.library("portable")
    assert tried == ["portable"] * 2


def test_threads_that_load_first_at_the_same_time_share_one_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "_libraries", {})
    ready = threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: (ready.wait(20), _library.library("portable"))[1], range(6)))
    assert len(set(map(id, found))) == 1


def test_code_stays_for_as_long_as_somebody_may_call_it() -> None:
    code = _library.Library("portable", _library.object_code("portable")[1])
    serve, known = code.serve, weakref.ref(code)
    del code
    gc.collect()
    assert known() is not None
    del serve
    gc.collect()
    assert known() is None


def test_warm_tries_again_after_a_failure(
    cache_directory: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(_library, "_generate", _fail)
        with pytest.raises(_library.CompilationFailed):
            _library.object_code("portable")
    assert generate("portable").suffix == ".o"
    assert not list(cache_directory.glob("*.failed"))


def _fail(_path: str, _directory: Path) -> bytes:
    raise _library.CompilationFailed("the compiler failed: AssertionError", lasting=True)


def test_a_crash_of_the_compiler_names_its_last_words(
    cache_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llvmlite.py").write_text("raise ImportError('no code generator here')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(_library.CompilationFailed, match="failed: ImportError: no code generator here"):
        _library.object_code("portable")


def test_a_read_only_package_uses_the_users_cache(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    usable = tmp_path / "user"
    monkeypatch.setattr(_library, "cache_directories", lambda: (blocked / "__pycache__", usable))
    assert _library.object_code("portable")[0].parent == usable


@pytest.fixture
def temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of a test's own."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def test_without_any_directory_all_processes_share_a_temporary_one(
    tmp_path: Path,
    made: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    temporary_directory: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(_library, "cache_directories", lambda: (blocked / "a",))
    results = [_library.object_code("portable") for _ in range(3)]
    assert results == [(results[0][0], CODE)] * 3
    assert made == ["portable"]
    (directory,) = temporary_directory.iterdir()
    assert results[0][0].parent == directory
    assert directory.stat().st_mode & 0o777 == 0o700
    assert "set AXEMU_CACHE_DIR" in caplog.text


def test_a_system_where_nothing_can_be_written_is_a_failed_compilation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AXEMU_CACHE_DIR", str(tmp_path / "file" / "a"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file" / "b"))
    with pytest.raises(_library.CompilationFailed, match="no directory for generated code can be written"):
        _library.object_code("portable")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    (path.parent / "victim").write_text("precious")
    path.symlink_to(path.parent / "victim")


@pytest.mark.parametrize("make", [make_pipe, make_link])
@pytest.mark.parametrize("kind", ["failed", "o"])
def test_what_is_no_file_of_ours_is_neither_waited_for_nor_believed(
    make: Callable[[Path], None],
    kind: str,
    cache_directory: Path,
    made: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache_directory.mkdir(mode=0o700)
    make(cache_directory / f"kernels-portable-{_library.key('portable')}.{kind}")
    file, data = _library.object_code("portable")
    assert data == CODE
    assert file.parent == cache_directory
    assert _library.object_code("portable") == (file, CODE)
    assert made == ["portable"]
    assert [path.read_text() for path in cache_directory.glob("victim")] in ([], ["precious"])
    assert "not a regular file" in caplog.text


@pytest.mark.parametrize("make", [make_pipe, make_link, Path.mkdir])
def test_a_lock_that_is_no_file_of_ours_sends_code_elsewhere(
    make: Callable[[Path], None],
    cache_directory: Path,
    made: list[str],
    temporary_directory: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache_directory.mkdir(mode=0o700)
    make(cache_directory / f"kernels-portable-{_library.key('portable')}.lock")
    for _ in range(2):
        assert _library.object_code("portable")[0].parent.parent == temporary_directory
    assert made == ["portable"]
    assert [path.read_text() for path in cache_directory.glob("victim")] in ([], ["precious"])
    assert "not a regular file" in caplog.text


def test_a_directory_that_others_may_write_to_is_refused_with_a_message(
    cache_directory: Path, made: list[str], temporary_directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache_directory.mkdir()
    name = f"kernels-portable-{_library.key('portable')}.o"
    (cache_directory / name).write_bytes(hashlib.sha256(b"evil").digest() + b"evil")
    cache_directory.chmod(0o777)
    file, data = _library.object_code("portable")
    assert data == CODE
    assert file.parent.parent == temporary_directory
    assert f"{cache_directory} is not used for generated code: " in caplog.text
    assert "others may write to it (mode 777;" in caplog.text


def test_a_link_of_the_users_own_leads_to_the_cache(
    cache_directory: Path, made: list[str], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache_directory.symlink_to(tmp_path / "elsewhere")
    assert _library.object_code("portable")[0].parent == tmp_path / "elsewhere"


def test_without_a_home_nothing_is_written_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AXEMU_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is without HOME and passwd entry
    assert [path.name for path in _library.cache_directories()] == ["__pycache__"]


def test_a_killed_compiler_leaves_nothing_for_long(
    cache_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", "from axemu.emulator import compute; compute.generate('portable')"],
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not list(cache_directory.glob("axemu-build-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.kill()
    victim.communicate()
    assert list(cache_directory.glob("axemu-build-*"))
    monkeypatch.setenv("AXEMU_COMPILE_SECONDS", "0.05")
    with pytest.raises(_library.CompilationFailed):
        _library.object_code("portable")
    assert {path.suffix for path in cache_directory.iterdir()} == {".lock", ".failed"}


def test_a_path_the_cpu_lacks_cannot_be_warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "available_paths", lambda: ("portable",))
    with pytest.raises(InvalidArgument, match="cannot run path 'avx2', expected one of portable"):
        generate("avx2")


@pytest.mark.parametrize(
    ("flags", "paths"),
    [
        ("", ["portable"]),
        ("avx2 fma bmi1 bmi2", ["avx2", "portable"]),
        ("avx2 fma bmi1 bmi2 avx_vnni", ["avxvnni", "avx2", "portable"]),
        (
            "avx2 fma bmi1 bmi2 avx512f avx512bw avx512dq avx512vl avx512cd",
            ["avx512bw", "avx2", "portable"],
        ),
        (
            "avx2 fma bmi1 bmi2 avx512f avx512bw avx512dq avx512vl avx512cd avx512_vnni",
            ["avx512vnni", "avxvnni", "avx512bw", "avx2", "portable"],
        ),
        (
            "avx2 fma bmi1 bmi2 avx512f avx512bw avx512dq avx512vl avx512cd avx512_vnni amx_tile amx_int8",
            ["amx", "avx512vnni", "avxvnni", "avx512bw", "avx2", "portable"],
        ),
        ("atomics", ["portable"]),
        ("atomics asimddp", ["dotprod", "portable"]),
        ("atomics asimddp i8mm", ["i8mm", "dotprod", "portable"]),
    ],
)
def test_paths_follow_the_features_of_the_cpu(
    flags: str, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_paths, "cpu_flags", lambda: frozenset(flags.split()))
    monkeypatch.setattr(_paths, "tiles_granted", lambda: True)
    _paths.available_paths.cache_clear()
    found = _paths.available_paths()
    _paths.available_paths.cache_clear()
    assert list(found) == paths


def test_tile_registers_that_the_operating_system_withholds_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_paths, "cpu_flags", lambda: frozenset(_paths.SPECS["amx"].ways[0].needs))
    monkeypatch.setattr(_paths, "tiles_granted", lambda: False)
    _paths.available_paths.cache_clear()
    found = _paths.available_paths()
    _paths.available_paths.cache_clear()
    assert found[0] == "avx512vnni"


def test_another_architecture_has_its_own_paths_whatever_cpuinfo_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """QEMU shows a process of aarch64 the flags of the x86-64 machine it runs on."""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(_paths, "arm_flags", lambda: frozenset({"asimddp", "atomics"}))
    monkeypatch.setattr(_paths, "cpu_flags", _paths.cpu_flags.__wrapped__)
    assert _paths.available_paths.__wrapped__() == ("dotprod", "portable")
