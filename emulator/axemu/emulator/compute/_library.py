"""Machine code of a path: found in the on-disk cache or generated once, and loaded into this process."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import logging
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from axemu.driver import InternalError, InvalidArgument

from ._build import SYMBOL_PREFIX, target_machine
from ._paths import SPECS, available_paths, code_features

logger = logging.getLogger(__name__)

TIME_LIMIT = 240.0
"""Seconds code generation may take; it needs about ten. `AXEMU_COMPILE_SECONDS` replaces it."""

Call = Callable[[int, int, int], None]

_HERE = Path(__file__).parent
_CHILD = (
    "import pathlib, sys; from axemu.emulator.compute._build import build;"
    " pathlib.Path(sys.argv[2]).write_bytes(build(sys.argv[1]))"
)
_SOURCES = ("micro", "kernels", "fields")


class CompilationFailed(InternalError):  # noqa: N818  read as the driver's errors are
    """Code for a path could not be generated within its time limit."""


class Library:
    """The kernels of one path, by name."""

    def __init__(self, path: str, data: bytes) -> None:
        from llvmlite import binding  # noqa: PLC0415  not needed where the specification runs

        self.path = path
        self._engine: Any = binding.create_mcjit_compiler(
            binding.parse_assembly(""), target_machine(SPECS[path])
        )
        self._engine.add_object_file(binding.ObjectFileRef.from_data(data))
        self._engine.finalize_object()

    @cached_property
    def run(self) -> Call:
        """The kernel that executes a job (`fields.job`); called as (job, 0, 0), it releases the GIL."""
        return self._function("run")

    @cached_property
    def serve(self) -> Call:
        """The kernel that is the life of a helper thread; called as (mailbox, 0, 0), it releases the GIL."""
        return self._function("serve")

    def _function(self, kernel: str) -> Call:
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
        return prototype(self.address(kernel))

    def address(self, kernel: str) -> int:
        """Return where a kernel's code starts."""
        address: int = self._engine.get_function_address(SYMBOL_PREFIX + kernel)
        if not address:
            raise InternalError(f"the code of path {self.path!r} has no kernel {kernel!r}")
        return address


@cache
def library(path: str) -> Library:
    """Return the kernels of a path, generating their code when the cache has none.

    Raises:
        CompilationFailed: the compiler hung or crashed, now or (recorded in the cache) before.
    """
    return Library(path, object_code(path)[1])


@cache
def key(path: str) -> str:
    """Return what machine code of a path depends on, hashed: sources, versions, CPU and features."""
    digest = hashlib.sha256()
    for name in ("numba", "llvmlite", "numpy"):
        digest.update(f"{name}={version(name)};".encode())
    spec = SPECS[path]
    digest.update(f"{platform.machine()};{sys.platform};{spec};{code_features(spec)};".encode())
    files = [_HERE / "_build.py", _HERE / "_paths.py"]
    for folder in _SOURCES:
        files += sorted((_HERE / folder).glob("*.py"))
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_HERE)}:{len(content)};".encode() + content)
    return digest.hexdigest()[:32]


def cache_directories() -> tuple[Path, ...]:
    """Return where code is looked for, in this order; it is written to the first that can be written."""
    if forced := os.environ.get("AXEMU_CACHE_DIR"):
        return (Path(forced),)
    from platformdirs import user_cache_path  # noqa: PLC0415

    return (_HERE / "__pycache__", user_cache_path("axemu"))


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
    for directory in cache_directories():
        file = directory / f"{name}.o"
        data = _read(file)
        if data is not None:
            return file, data
    directory = _writable_directory()
    target, failure = directory / f"{name}.o", directory / f"{name}.failed"
    with _locked(directory / f"{name}.lock"):
        data = _read(target)
        if data is not None:
            return target, data
        if failure.exists() and not retry:
            raise CompilationFailed(
                f"generating kernels for {path} failed before ({failure.read_text(encoding='utf-8').strip()});"
                " `axemu warm` tries again"
            )
        print(
            f"axemu: generating kernels for {path} (about ten seconds, once per version; kept in {directory})",
            file=sys.stderr,
        )
        try:
            data = _generate(path, directory)
        except CompilationFailed as error:
            _replace(failure, str(error).encode())
            raise
        failure.unlink(missing_ok=True)
        _replace(target, hashlib.sha256(data).digest() + data)
        return target, data


def _generate(path: str, directory: Path) -> bytes:
    limit = float(os.environ.get("AXEMU_COMPILE_SECONDS", TIME_LIMIT))
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        target = Path(scratch) / "kernels.o"
        command = [sys.executable, "-c", _CHILD, path, str(target)]
        # Settings of Numba that an application runs under are not meant for these kernels.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            raise CompilationFailed(f"the compiler did not finish within {limit:g} s") from None
        if done.returncode or not target.exists():
            detail = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            raise CompilationFailed(f"the compiler failed: {detail[0]}")
        return target.read_bytes()


def _read(file: Path) -> bytes | None:
    """Return the content of a cache file, or None if it is missing or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != digest:
        logger.warning("cache file %s is damaged and will be made again", file)
        return None
    return data


def _replace(file: Path, content: bytes) -> None:
    """Write a file so that other processes see all of it or nothing."""
    handle, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    Path(temporary).replace(file)


def _writable_directory() -> Path:
    for directory in cache_directories():
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=directory):
                return directory
        except OSError:
            continue
    directory = Path(tempfile.mkdtemp(prefix="axemu-"))
    logger.warning(
        "no cache directory can be written (tried %s): generated code is kept in %s for this process only;"
        " set AXEMU_CACHE_DIR",
        ", ".join(map(str, cache_directories())),
        directory,
    )
    return directory


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold a lock between processes: the others wait and then find the result."""
    with file.open("w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
