"""Directories and files of this user at names that everybody can guess, opened so that nobody else gets a say.

A name proves nothing: somebody else may have made what is there, as a directory, a link, a pipe. So everything is opened
first, without following a link and without waiting, then owner, type and mode of what was opened are looked at, and
files are reached through the open directory alone. What is refused is a `PermissionError` whose `strerror` says why.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

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


def own_directory(base: Path, name: str) -> Path:
    """Return this user's directory `name` in a place where everybody may make one, such as /tmp; make it if needed.

    Where somebody else has taken the name it is one with a random ending, on which all processes of the user agree: it is
    chosen under locks on all directories of this user that could be, and then marked, so it stays chosen.

    Raises:
        OSError: no directory can be made.
    """
    with contextlib.suppress(
        OSError, KeyError
    ):  # a process stays with what it found, and does not look again
        PrivateDirectory(_found[base, name]).close()
        return _found[base, name]
    _found[base, name] = path = _look_for_own_directory(base, name)
    return path


_found: dict[tuple[Path, str], Path] = {}


def _look_for_own_directory(base: Path, name: str) -> Path:
    for _ in range(_MOST_TRIES):
        candidates = _own_directories(base, f"{name}-")
        if chosen := [path for path in candidates if (path / _CHOSEN).exists()]:
            return chosen[0]
        try:
            PrivateDirectory(base / name, create=True).close()
        except OSError:
            if not candidates:
                tempfile.mkdtemp(prefix=f"{name}-", dir=base)
            else:
                _choose(base, name, candidates)
        else:
            return base / name
    raise PermissionError(0, "its directories are removed by somebody else", str(base / name))


def _choose(base: Path, name: str, candidates: list[Path]) -> None:
    """Mark the first of `candidates` unless others were made meanwhile or one is marked."""
    with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
        for path in candidates:
            directory = stack.enter_context(PrivateDirectory(path))
            fcntl.flock(directory.descriptor, fcntl.LOCK_EX)
        if candidates == _own_directories(base, f"{name}-") and not any(
            (path / _CHOSEN).exists() for path in candidates
        ):
            with PrivateDirectory(candidates[0]) as first:
                first.write(_CHOSEN, b"")
            for path in candidates[1:]:
                with contextlib.suppress(OSError):
                    path.rmdir()


def _own_directories(base: Path, prefix: str) -> list[Path]:
    """Return the directories below `base` that are this user's alone, sorted."""
    found = []
    with os.scandir(base) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with contextlib.suppress(OSError):
                    PrivateDirectory(Path(entry.path)).close()
                    found.append(Path(entry.path))
    return sorted(found)


class Scratch:
    """A temporary directory of this process, removed by `remove`, with the object, or at exit.

    What a killed process left behind is removed by the next one that makes a directory in the same place with the same
    prefix: a directory is locked while its process lives.

    Args:
        prefix: how its name begins.
        parent: where it is made; the system's temporary directory by default.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        place = Path(tempfile.gettempdir()) if parent is None else parent
        _sweep(place, prefix)
        descriptor = None
        while descriptor is None:  # somebody who sweeps may come between
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            descriptor = _locked(self.path)
        self.remove = weakref.finalize(self, _remove, self.path, descriptor, os.getpid())

    def __enter__(self) -> Path:
        """Return the path."""
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def _sweep(place: Path, prefix: str) -> None:
    """Remove directories of this user whose process is dead."""
    try:
        with os.scandir(place) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(prefix)]
        parent = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in names:
            _remove_if_left(parent, name)
    finally:
        os.close(parent)


def _remove_if_left(parent: int, name: str) -> None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _SAFE, dir_fd=parent)
    except OSError:
        return
    try:
        if os.fstat(descriptor).st_uid == os.geteuid() and _lock(descriptor):
            shutil.rmtree(name, ignore_errors=True, dir_fd=parent)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Tell whether a directory could be locked; None where directories cannot be (NFS), so that none is ever swept."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _locked(path: Path) -> int | None:
    """Open and lock a directory just made; return its descriptor, or None if it is gone, or will be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    except FileNotFoundError:
        return None
    with contextlib.suppress(FileNotFoundError):
        if _lock(descriptor) is not False and os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return descriptor
    os.close(descriptor)
    return None


def _remove(path: Path, descriptor: int, process: int) -> None:
    """Remove a scratch directory, unless this is a forked child of the process that uses it."""
    if process == os.getpid():
        shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)
