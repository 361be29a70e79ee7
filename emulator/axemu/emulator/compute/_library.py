"""Machine code of a path: found in the on-disk cache or generated once, and loaded into this process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from axemu.driver import InternalError, InvalidArgument, PrivateDirectory, Scratch

from ._aside import aside
from ._build import SYMBOL_PREFIX, target_machine
from ._cache import (
    CompilationFailed,
    default_directories,
    find_code,
    locked_cache,
    read_code,
    read_file,
    write_code,
)
from ._paths import SPECS, available_paths, code_features
from ._settings import seconds_setting

TIME_LIMIT = 240.0
"""Seconds code generation may take; it needs about ten. `AXEMU_COMPILE_SECONDS` replaces it."""
EXPIRY = 3600.0
"""Seconds for which a failure on record keeps processes from trying again."""
PAUSE = 60.0
"""Seconds after a failure before this process tries again."""

Call = Callable[[int, int, int], None]

_HERE = Path(__file__).parent
_CHILD = (
    "import pathlib, sys; from axemu.emulator.compute._build import build;"
    " pathlib.Path(sys.argv[2]).write_bytes(build(sys.argv[1]))"
)
_INHERITED_FLAGS = {"isolated": "-I", "ignore_environment": "-E", "no_user_site": "-s", "no_site": "-S"}
_SOURCES = (
    "_arguments.py",
    "_build.py",
    "_paths.py",
    "_scalars.py",
    "executor/*.py",
    "micro/*.py",
    "ops/*/arguments.py",
    "ops/*/kernel*.py",
    "ops/__init__.py",
)
"""What machine code is made from."""


class Library:
    """The kernels of one path, by name.

    LLVM is only called aside: the lock around it calls back into Numba where an application uses that, and an
    interrupt there would leave it taken for ever.
    """

    def __init__(self, path: str, data: bytes) -> None:
        from llvmlite import binding  # noqa: PLC0415  not needed where the specification runs

        def load() -> Any:
            engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target_machine(SPECS[path]))
            engine.add_object_file(binding.ObjectFileRef.from_data(data))
            engine.finalize_object()
            return engine

        self.path = path
        self._engine: Any = aside(load)
        self._addresses: dict[str, int] = {}
        self.run = self._function("run")
        """The kernel that executes a job (`executor.arguments.Job`); called as (job, 0, 0), it releases the GIL."""
        self.serve = self._function("serve")
        """The kernel that is the life of a helper thread; called as (mailbox, 0, 0), it releases the GIL."""

    def _function(self, kernel: str) -> Call:
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
        function: Any = prototype(self.address(kernel))
        function.library = self  # the code stays for as long as somebody may call it
        return cast("Call", function)

    def address(self, kernel: str) -> int:
        """Return where a kernel's code starts."""
        if kernel not in self._addresses:
            address = aside(lambda: self._engine.get_function_address(SYMBOL_PREFIX + kernel))
            if not address:
                raise InternalError(f"the code of path {self.path!r} has no kernel {kernel!r}")
            self._addresses[kernel] = address
        return self._addresses[kernel]


_libraries: dict[str, Library] = {}
_failures: dict[str, tuple[float, CompilationFailed]] = {}
_loading = threading.RLock()


def library(path: str) -> Library:
    """Return the kernels of a path, one library per process; generate their code when the cache has none.

    Raises:
        CompilationFailed: the code could not be generated, now or a short while ago.
        InvalidArgument: `AXEMU_COMPILE_SECONDS` holds no number of seconds.
    """
    found = _libraries.get(path)
    if found is not None:
        return found
    with _loading:
        if path not in _libraries:
            _libraries[path] = _loaded(path)
        return _libraries[path]


def _loaded(path: str) -> Library:
    if path in _failures:
        when, failure = _failures[path]
        if time.monotonic() - when < PAUSE:
            raise failure
    try:
        return Library(path, object_code(path)[1])
    except CompilationFailed as error:
        _failures[path] = (time.monotonic(), error)
        raise


def _unlock_in_child() -> None:
    """Another thread of the parent may have been loading."""
    global _loading  # noqa: PLW0603
    _loading = threading.RLock()


os.register_at_fork(after_in_child=_unlock_in_child)


@cache
def key(path: str) -> str:
    """Return what machine code of a path depends on, hashed: sources, versions, CPU and features."""
    digest = hashlib.sha256()
    for name in ("numba", "llvmlite", "numpy"):
        digest.update(f"{name}={version(name)};".encode())
    spec = SPECS[path]
    digest.update(f"{platform.machine()};{sys.platform};{spec};{code_features(spec)};".encode())
    for file in sorted(file for pattern in _SOURCES for file in _HERE.glob(pattern)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_HERE)}:{len(content)};".encode() + content)
    return digest.hexdigest()[:32]


def cache_directories() -> tuple[Path, ...]:
    """Return where code is looked for, in this order; it is written to the first that can be written."""
    return default_directories()


def generate(path: str) -> Path:
    """Make sure the cache holds the code of a path, even if an earlier attempt failed; return the file.

    Raises:
        InvalidArgument: this CPU cannot run the path.
        CompilationFailed: the compiler hung or crashed.
    """
    if path not in available_paths():
        raise InvalidArgument(
            f"this CPU cannot run path {path!r}, expected one of {', '.join(available_paths())}"
        )
    return object_code(path, retry=True)[0]


def object_code(path: str, *, retry: bool = False) -> tuple[Path, bytes]:
    """Return the cache file of a path and its checked object code, filling the cache first if needed.

    Args:
        path: a compiled path.
        retry: generate again where an earlier attempt is on record as failed.
    """
    name = f"kernels-{path}-{key(path)}"
    target, failure = f"{name}.o", f"{name}.failed"
    directories = cache_directories()
    found = find_code(directories, target)
    if found is not None:
        return found
    with locked_cache(directories, f"{name}.lock") as cache:
        directory = cache.path
        data = read_code(cache, target)
        if data is not None:
            return directory / target, data
        if not retry:
            _check_record(cache, failure, path)
        print(
            f"axemu: generating kernels for {path} (about ten seconds, once per version; kept in {directory})",
            file=sys.stderr,
        )
        try:
            data = _generate(path, directory)
            cache.remove(failure)
            write_code(cache, target, data)
        except CompilationFailed as error:
            if error.lasting:
                with suppress(OSError):
                    cache.write(failure, str(error).encode())
            raise
        except OSError as error:
            raise CompilationFailed(
                f"generated code cannot be kept in {directory}: {error.strerror}; make room, or set AXEMU_CACHE_DIR to"
                " another directory"
            ) from error
        return directory / target, data


def _check_record(cache: PrivateDirectory, failure: str, path: str) -> None:
    """Refuse to generate what failed before, for a while.

    Raises:
        CompilationFailed: the failure on record, how old it is and when it will be tried again.
    """
    record, age = read_file(cache, failure), cache.age(failure)
    if record is not None and 0 <= age < EXPIRY:
        reason = record.decode(errors="replace")[:1000].strip()
        raise CompilationFailed(
            f"generating kernels for {path} failed {age / 60:.0f} min ago ({reason}); it is tried again in"
            f" {(EXPIRY - age) / 60:.0f} min, or now by `axemu warm`"
        )


def _generate(path: str, directory: Path) -> bytes:
    limit = seconds_setting("AXEMU_COMPILE_SECONDS", TIME_LIMIT)
    with Scratch("axemu-build-", directory) as scratch:
        target = scratch / "kernels.o"
        command = [sys.executable, *_child_flags(), "-c", _CHILD, path, str(target)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
                cwd=scratch,
                env=_child_environment(),
            )
        except subprocess.TimeoutExpired:
            raise CompilationFailed(f"the compiler did not finish within {limit:g} s", lasting=True) from None
        if done.returncode or not target.exists():
            detail = (done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"])[0]
            # A signal (of a system short of memory) or a full disk may not be there the next time.
            lasting = done.returncode > 0 and not detail.startswith(("OSError", "MemoryError"))
            raise CompilationFailed(f"the compiler failed: {detail}", lasting=lasting)
        return target.read_bytes()


def _child_flags() -> list[str]:
    """Return the flags for a child that imports what this process could, but nothing from where it happens to run.

    Isolated mode would hide packages that PYTHONPATH or the user's site directory provide.
    """
    return ["-P", *(flag for name, flag in _INHERITED_FLAGS.items() if getattr(sys.flags, name))]


def _child_environment() -> dict[str, str]:
    """Return this process's environment, with paths that hold in another directory.

    Settings of Numba that an application runs under are not meant for these kernels. An empty entry of PYTHONPATH, left
    by joining an unset one, would mean the current directory.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    if "PYTHONPATH" in environment:
        entries = [os.path.abspath(entry) for entry in environment["PYTHONPATH"].split(os.pathsep) if entry]  # noqa: PTH100
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    return environment
