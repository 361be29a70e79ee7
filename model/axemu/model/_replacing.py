"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from axemu.driver import Scratch


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what the block writes there takes the place of `path` at its end.

    A block that fails leaves everything as it was. A link of the user's own stays, and the file it leads to is replaced; one
    of another user's may lead anywhere. What is no regular file (a device, a pipe, a directory) has no place to take: its own path is yielded.

    Raises:
        OSError: the file cannot be written; it names `path`.
    """
    if path.is_symlink() and path.lstat().st_uid not in (os.geteuid(), 0):
        raise PermissionError(errno.EPERM, "is a link of another user", os.fspath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    try:
        scratch = Scratch(f".{target.name[:40]}.axemu-", target.parent)  # a name nobody can put a link at
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    with scratch as folder:
        temporary = folder / target.name
        try:
            yield temporary
            temporary.replace(target)
        except OSError as error:
            if error.filename != os.fspath(temporary):
                raise
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
