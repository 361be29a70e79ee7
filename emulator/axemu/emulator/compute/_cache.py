"""Where machine code is kept: only in directories to which nobody but this user, or who provides this package, can write.

Whoever writes into the cache decides what this process executes, so a directory or file that belongs to somebody else is
neither read nor waited for.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from axemu.driver import InternalError, PrivateDirectory, own_directory

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent


class CompilationFailed(InternalError):  # noqa: N818  read as the driver's errors are
    """Code for a path could not be generated, or not be kept anywhere.

    `lasting` tells whether it would fail again (the compiler hung or crashed) or may be mended meanwhile (a full disk).
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


def default_directories() -> tuple[Path, ...]:
    """Return where code is looked for, in this order; it is written to the first that can be written."""
    if forced := os.environ.get("AXEMU_CACHE_DIR"):
        return (Path(forced),)
    from platformdirs import user_cache_path  # noqa: PLC0415

    directories = [_PACKAGE / "__pycache__"]
    with suppress(RuntimeError):  # the user has no home
        directories.append(user_cache_path("axemu"))
    return tuple(path for path in directories if path.is_absolute())


def find_code(directories: Sequence[Path], name: str) -> tuple[Path, bytes] | None:
    """Return the first whole file of that name, and the code in it."""
    for path in directories:
        with suppress(OSError), _opened(path) as directory:
            data = read_code(directory, name)
            if data is not None:
                return path / name, data
    return None


def read_code(directory: PrivateDirectory, name: str) -> bytes | None:
    """Return the code in a cache file, or None if it is missing, damaged or not ours."""
    content = read_file(directory, name)
    if content is None:
        return None
    digest, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != digest:
        logger.warning("cache file %s is damaged and will be made again", directory.path / name)
        return None
    return data


def read_file(directory: PrivateDirectory, name: str) -> bytes | None:
    """Return the content of a cache file, or None if it is missing or not ours."""
    try:
        return directory.read(name)
    except OSError as error:
        _say(directory.path, error)
        return None


def write_code(directory: PrivateDirectory, name: str, data: bytes) -> None:
    """Write a cache file that `read_code` reads."""
    directory.write(name, hashlib.sha256(data).digest() + data)


@contextmanager
def locked_cache(directories: Sequence[Path], lock: str) -> Iterator[PrivateDirectory]:
    """Hold a lock between processes in the first directory that can be written: others wait and then find the result.

    Where none of `directories` can be used it is one of this user in the system's temporary directory, the same for all
    processes.

    Raises:
        CompilationFailed: there is no place at all to put code.
    """
    for path in (*directories, None):
        with ExitStack() as stack:
            try:
                directory = stack.enter_context(_writable(path, directories))
                stack.enter_context(directory.locked(lock))
            except OSError as error:
                _say(path, error)
                continue
            yield directory
            return
    raise CompilationFailed(
        f"no directory for generated code can be written, not even a temporary one (tried {_listed(directories)}): set "
        "AXEMU_CACHE_DIR to one"
    )


def _writable(path: Path | None, tried: Sequence[Path]) -> PrivateDirectory:
    if path is None:
        path = own_directory(Path(tempfile.gettempdir()) / f"axemu-cache-{os.geteuid()}")
        logger.warning(
            "no cache directory can be used (tried %s): generated code is kept in %s; set AXEMU_CACHE_DIR to a directory "
            "of your own",
            _listed(tried),
            path,
        )
    directory = _opened(path, create=True)
    with tempfile.TemporaryFile(dir=directory.path):
        return directory


def _opened(path: Path, *, create: bool = False) -> PrivateDirectory:
    """Open a cache directory; what root or the owner of this very package put there is as good as the package."""
    if create and path.name == "__pycache__":
        path.mkdir(exist_ok=True)  # for everybody who runs the package, unlike a directory of a user's own
    return PrivateDirectory(path, create=create, owners=(0, _PACKAGE.stat().st_uid))


def _say(path: Path | None, error: OSError) -> None:
    """Tell that a place is refused; one that cannot be written to is nothing unusual."""
    if isinstance(error, PermissionError) and not error.errno:
        # A package directory that a group may write to is common where users have groups of their own.
        level = logging.INFO if path is not None and path.parent == _PACKAGE else logging.WARNING
        logger.log(level, "%s is not used for generated code: %s: %s", path, error.filename, error.strerror)


def _listed(directories: Sequence[Path]) -> str:
    return ", ".join(map(str, directories)) or "none"
