"""Calls that no interrupt can reach."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def aside(act: Callable[[], Result]) -> Result:
    """Return what `act` returns (or raise what it raises), called in a thread of its own.

    Interrupts are raised in the main thread only. One that comes while that waits here ends the wait; `act` is done to
    its end all the same. For libraries whose locks an interrupt would leave taken.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def work() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001  raised again in the thread that asked
            errors.append(error)
        finally:
            done.release()

    _thread.start_new_thread(work, ())
    done.acquire()
    if errors:
        raise errors[0]
    return results[0]
