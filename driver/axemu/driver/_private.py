"""Directories and files of this user at names that everybody can guess, opened so that nobody else gets a say.

A name proves nothing: somebody else may have made what is there, as a directory, a link, a pipe. So everything is opened
first, without following a link and without waiting, then owner, type and mode of what was opened are looked at, and
files are reached through the open directory alone. What is refused is a `PermissionError` whose `strerror` says why.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import math
import os
import stat
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NO_FILE = (errno.ELOOP, errno.EISDIR, errno.ENXIO)
"""What opening a link, a directory, or a pipe nobody reads from says."""
_CHOSEN = "chosen"
_MOST_TRIES = 64


class PrivateDirectory:
    """A directory that this user alone can write to, held open until `close`.

    Args:
        path: the directory.
        create: make it, with mode 0700, and its parents, if it is missing.
        owners: users who may own it (and the files in it) besides this one: for reading what they provide.

    Raises:
        OSError: it cannot be opened; PermissionError: it is another user's or a link of one, or others may write to it.
    """

    def __init__(self, path: Path, *, create: bool = False, owners: Iterable[int] = ()) -> None:
        self._owners = {os.geteuid(), *owners}
        if create:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        link = path.lstat()
        if stat.S_ISLNK(link.st_mode):
            if link.st_uid not in self._owners:
                raise PermissionError(0, f"it is a link of another user (uid {link.st_uid})", os.fspath(path))
            path = path.resolve()
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
        self.close = weakref.finalize(self, os.close, self.descriptor)
        try:
            self._check(os.fstat(self.descriptor), path)
        except OSError:
            self.close()
            raise

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open a regular file in the directory; returns its descriptor.

        Raises:
            OSError: it cannot be opened; PermissionError: it is a link or no file, belongs to another user, or others may
                write to it.
        """
        path = self.path / name
        try:
            descriptor = os.open(name, flags | _SAFE, mode, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in _NO_FILE:
                raise PermissionError(0, "it is not a regular file", str(path)) from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise PermissionError(0, "it is not a regular file", str(path))
            self._check(status, path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None when there is none.

        Raises:
            OSError: it cannot be read; PermissionError: see `open`.
        """
        try:
            descriptor = self.open(name, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read()

    def age(self, name: str) -> float:
        """Return how many seconds ago a file was written; infinite when there is none of the user's.

        The clock may have been set back since: then it is negative.
        """
        try:
            descriptor = self.open(name, os.O_RDONLY)
        except OSError:
            return math.inf
        with os.fdopen(descriptor, "rb") as stream:
            return time.time() - os.fstat(stream.fileno()).st_mtime

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that others see all of it or nothing; whoever may enter the directory may read it.

        To be called under a lock: what a killed process left half written is overwritten.
        """
        temporary = f".{name}.new"
        descriptor = self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                os.fchmod(stream.fileno(), 0o644)
            os.replace(temporary, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            self.remove(temporary)
            raise

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock between processes of this user; a lock nobody else can open, so nobody else can hold it."""
        descriptor = self.open(name, os.O_RDWR | os.O_CREAT)
        try:
            os.fchmod(descriptor, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, status: os.stat_result, path: Path) -> None:
        if status.st_uid not in self._owners:
            problem = f"it belongs to another user (uid {status.st_uid}, not {os.geteuid()})"
        elif status.st_mode & _OTHERS_WRITE:
            problem = (
                f"others may write to it (mode {stat.S_IMODE(status.st_mode):o}; chmod go-w makes it yours)"
            )
        else:
            return
        raise PermissionError(0, problem, os.fspath(path))


def own_directory(path: Path) -> Path:
    """Return this user's directory of that name, in a place where others may make one, too; make it if needed.

    Where somebody else has taken the name, which is said, it is one with a random ending, on which all processes of the
    user agree: it is chosen under locks on all directories of this user that could be, and then marked, so it stays.

    Raises:
        OSError: no directory can be made, or something else of the user's has the name.
    """
    with contextlib.suppress(OSError, KeyError):  # a process stays with what it found
        PrivateDirectory(_found[path]).close()
        return _found[path]
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(_MOST_TRIES):
        candidates = _candidates(path)
        if chosen := [one for one in candidates if (one / _CHOSEN).exists()]:
            _found[path] = chosen[0].resolve()
            logger.warning("%s is somebody else's or was; %s is used in its place", path, _found[path])
            return _found[path]
        try:
            with PrivateDirectory(path, create=True) as directory:
                _found[path] = directory.path.resolve()
                return _found[path]
        except OSError as error:
            if not _taken(path, error):
                raise
        if candidates:
            _choose(path, candidates)
        else:
            tempfile.mkdtemp(prefix=_ending(path), dir=path.parent)
    raise PermissionError(0, "somebody else removes its directories", os.fspath(path))


_found: dict[Path, Path] = {}


def _taken(path: Path, error: OSError) -> bool:
    """Tell whether what is at `path` is somebody else's, or not only this user's."""
    if isinstance(error, PermissionError) and not error.errno:
        return True
    with contextlib.suppress(OSError):
        return path.lstat().st_uid != os.geteuid()
    return False


def _ending(path: Path) -> str:
    return f"{path.name}.own-"


def _choose(path: Path, candidates: list[Path]) -> None:
    """Mark the first of `candidates` unless others were made meanwhile or one is marked."""
    with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
        for one in candidates:
            directory = stack.enter_context(PrivateDirectory(one))
            fcntl.flock(directory.descriptor, fcntl.LOCK_EX)
        if candidates == _candidates(path) and not any((one / _CHOSEN).exists() for one in candidates):
            with PrivateDirectory(candidates[0]) as first:
                first.write(_CHOSEN, b"")
            for one in candidates[1:]:
                with contextlib.suppress(OSError):
                    one.rmdir()


def _candidates(path: Path) -> list[Path]:
    """Return the directories of this user alone that could take the place of `path`, sorted."""
    found = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(_ending(path)):
                with contextlib.suppress(OSError):
                    PrivateDirectory(Path(entry.path)).close()
                    found.append(Path(entry.path))
    return sorted(found)
