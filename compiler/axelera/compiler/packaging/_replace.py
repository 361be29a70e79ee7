"""Putting a finished directory in place at once, so that an interrupt leaves either the old one or the new one."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from axelera.compiler._errors import ConfigurationError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NAMED = 5
"""Foreign entries a message names."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What tells a directory of ours from one that holds somebody's work.

    Attributes:
        what: how messages call such a directory.
        marks: names that are always in it.
        names: patterns of everything that may be in it, the marks included.
    """

    what: str
    marks: tuple[str, ...]
    names: tuple[str, ...]

    def foreign(self, directory: Path) -> list[str]:
        """Return the names in `directory` that nothing of ours writes, sorted."""
        return sorted(
            path.name
            for path in directory.iterdir()
            if not any(fnmatchcase(path.name, name) for name in self.names)
        )


@contextmanager
def replacing(target: Path, contents: Contents, *, added_too: bool) -> Iterator[Path]:
    """Yield a temporary directory beside `target` that takes its place when the block ends without an error.

    Args:
        target: the directory to make or replace; missing parents are made.
        contents: what a directory holds that may be replaced.
        added_too: replace it also when somebody added files to it, which are lost then. A directory that lacks a mark
            is never replaced, unless it is empty.

    Raises:
        ConfigurationError: `target` is a file, a link, or a directory with other content, which the message names; or
            the place cannot be written.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  links are kept, for they are refused below
    _check_target(target, contents, added_too=added_too)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ConfigurationError(
            f"output directory {target} cannot be made: {error.strerror or error}; choose another place"
        ) from error
    try:
        fresh.chmod(0o755)
        yield fresh
        _check_target(target, contents, added_too=added_too)  # a compile takes minutes
        _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_target(target: Path, contents: Contents, *, added_too: bool) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        kind = "a link" if target.is_symlink() else "a file"
        raise ConfigurationError(f"output directory {target} is {kind}; give a directory or a new name")
    if target.is_dir() and _runs_in(target):
        raise ConfigurationError(
            f"output directory {target} is where this program runs, and is replaced as a whole: run it somewhere else, or "
            "give a directory below"
        )
    if not target.is_dir() or not any(target.iterdir()):
        return
    foreign = contents.foreign(target)
    named = ", ".join(foreign[:_NAMED]) + (
        f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
    )
    missing = [mark for mark in contents.marks if not (target / mark).is_file()]
    if missing:
        found = f"it holds {named}" if foreign else f"it lacks {' and '.join(missing)}"
        raise ConfigurationError(
            f"output directory {target} is no {contents.what}: {found}. Nothing was removed; choose another directory, or "
            "empty this one yourself"
        )
    if foreign and not added_too:
        raise ConfigurationError(
            f"output directory {target} is a {contents.what} to which {named} was added. Nothing was removed; move it "
            "away, or set remove_output_dir to remove it with the rest"
        )


def _runs_in(target: Path) -> bool:
    try:
        return Path.cwd().is_relative_to(target.resolve())
    except FileNotFoundError:  # somebody removed the current directory
        return False


def _put_in_place(fresh: Path, target: Path) -> None:
    """Rename `fresh` to `target`; what was there before ends up in `fresh`, to be removed."""
    if not target.exists():
        fresh.rename(target)
        return
    if _exchange(fresh, target):
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(aside / target.name)
    try:
        fresh.rename(target)
    except OSError:
        (aside / target.name).rename(target)
        aside.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two directories in one step where the system can (Linux); tell whether it did."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    result = rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(result == 0)
