"""What the system says about a path a user gave, as the error that is documented for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from axemu.driver._errors import AxeleraError


@contextlib.contextmanager
def path_errors(kind: type[AxeleraError], path: object, problem: str = "cannot be read") -> Iterator[None]:
    """Raise `kind` in place of what the system refuses about a path in the block.

    Names that are too long, hold a NUL or no valid text, endless links, files that vanish, are not for this user, or have
    no room: Python reports them as OSError, ValueError or RuntimeError, depending on who notices.

    Args:
        kind: the documented error.
        path: what the user gave; the message begins with it.
        problem: what cannot be done.
    """
    try:
        yield
    except AxeleraError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise kind(f"{_shown(path)}: {problem}: {reason}{_other(error, path)}") from error
    except (ValueError, RuntimeError) as error:
        if not _about_a_path(error):
            raise
        raise kind(f"{_shown(path)}: {problem}: {error}") from error


def _about_a_path(error: ValueError | RuntimeError) -> bool:
    text = str(error)
    return (
        isinstance(error, UnicodeEncodeError)
        or text.startswith(("embedded null", "Symlink loop", "Could not determine home"))
        or text.endswith(("null byte", "null character"))
    )


def _shown(path: object) -> str:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    return text if text.isprintable() and len(text) < 1000 else ascii(text[:1000])


def _other(error: OSError, path: object) -> str:
    """Name the file where it is another one than `path`, as one inside a directory is."""
    if not isinstance(error.filename, str | bytes):
        return ""
    name = _shown(error.filename)
    return "" if name == _shown(path) else f" ({name})"
