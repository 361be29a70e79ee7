"""Putting a finished directory in place at once, so that an interrupt leaves either the old one or the new one."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axelera.compiler._errors import ConfigurationError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def replacing(target: Path, *, mark: str, wipe: bool) -> Iterator[Path]:
    """Yield a temporary directory beside `target` that takes its place when the block ends without an error.

    Args:
        target: the directory to make or replace; missing parents are made.
        mark: a file that tells a directory this function may replace from one that holds something else.
        wipe: replace whatever is there.

    Raises:
        ConfigurationError: `target` is a file, a link, or a directory with other content.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  links are kept, for they are refused below
    _check_target(target, mark, wipe=wipe)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh.chmod(0o755)
        yield fresh
        _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_target(target: Path, mark: str, *, wipe: bool) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ConfigurationError(
            f"output directory {target} is a file or a link; give a directory or a new name"
        )
    if not target.is_dir() or wipe or (target / mark).is_file() or not any(target.iterdir()):
        return
    raise ConfigurationError(
        f"output directory {target} holds other files (no {mark}); choose another one, or set remove_output_dir to "
        "replace it"
    )


def _put_in_place(fresh: Path, target: Path) -> None:
    """Rename `fresh` to `target`; what was there before ends up in `fresh`, to be removed."""
    if not target.exists():
        fresh.rename(target)
        return
    if _exchange(fresh, target):
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(aside / target.name)
    fresh.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two directories in one step where the system can (Linux); tell whether it did."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    result = rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(result == 0)
