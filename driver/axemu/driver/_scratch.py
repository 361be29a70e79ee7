"""Temporary directories that do not outlive their process for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from types import TracebackType

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
        descriptor = os.open(name, _OPEN, dir_fd=parent)
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
        descriptor = os.open(path, _OPEN)
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
