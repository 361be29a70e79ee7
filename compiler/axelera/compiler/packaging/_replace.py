"""Putting a finished directory in place at once, so that an interrupt leaves either the old one or the new one."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from axelera.compiler._errors import ConfigurationError
from axemu.driver import Scratch, path_errors

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
            the place cannot be written; or somebody else wrote `target` while the block ran.
    """
    with path_errors(ConfigurationError, f"output directory {target}"):
        target = Path(os.path.abspath(target))  # noqa: PTH100  links are kept, for they are refused below
        _check_target(target, contents, added_too=added_too)
        replaced = _identity(target)
    with path_errors(ConfigurationError, f"output directory {target}", "cannot be made"):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Scratch(f".{target.name[:40]}.axemu-", target.parent)
    with scratch as folder:
        fresh = folder / "output"
        fresh.mkdir()
        yield fresh
        with path_errors(ConfigurationError, f"output directory {target}", "cannot be put in place"):
            _check_target(target, contents, added_too=added_too)  # a compile takes minutes
            _put_in_place(fresh, target, replaced)


def _identity(target: Path) -> tuple[int, int] | None:
    """Tell one directory from the next of its name; nothing and an empty directory are alike."""
    if not target.is_dir() or not any(target.iterdir()):
        return None
    status = target.stat()
    return status.st_dev, status.st_ino


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


def _put_in_place(fresh: Path, target: Path, replaced: tuple[int, int] | None) -> None:
    """Rename `fresh` to `target` if `replaced` is what is there; that ends up beside `fresh`, to be removed."""
    if replaced is None:
        try:
            fresh.rename(target)  # in one step, and only where there is nothing or an empty directory
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _overtaken(target) from error
            raise
        return
    if _identity(target) != replaced:
        raise _overtaken(target)
    if _exchange(fresh, target):
        if _identity(fresh) != replaced:  # somebody came between: give them back what is theirs
            _exchange(fresh, target)
            raise _overtaken(target)
        return
    aside = fresh.with_name("replaced")
    target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _overtaken(target: Path) -> ConfigurationError:
    return ConfigurationError(
        f"output directory {target} was written by somebody else in the meantime, and is left as it is: give every compile a "
        "directory of its own, or run it again"
    )


def _exchange(first: Path, second: Path) -> bool:
    """Swap two directories in one step where the system can (Linux); tell whether it did."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    result = rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(result == 0)
