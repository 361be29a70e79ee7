"""A defect of the compiler reads as one: `InternalError`, with what was raised as its cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axemu.driver import AxeleraError, InternalError


@contextmanager
def defects(doing: str) -> Iterator[None]:
    """Let pass what the SDK refuses on purpose and what the machine lacks; anything else is a mistake of ours.

    Args:
        doing: what was being done, for the message.

    Raises:
        InternalError: something unforeseen was raised; it is the cause, so the traceback shows where.
    """
    try:
        yield
    except (AxeleraError, OSError, MemoryError):
        raise
    except Exception as error:
        raise InternalError(
            f"{doing} failed with {type(error).__name__}: {error}; this is a defect of the compiler, not of the "
            "network: please report it with its traceback"
        ) from error
