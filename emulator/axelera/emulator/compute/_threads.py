"""Threads: how many may compute at once, and the helpers that join a run.

A run is entered by the caller's thread. When the executable allows more, the run takes helpers that are idle; it
never waits for one. Callers beyond the total wait their turn, so four instances on four threads on a machine of two
cores are two at a time, not eight.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

from axelera.driver import InvalidArgument

from ._paths import core_count
from .fields import job as j

Call = Callable[[int, int, int], None]


class Helper:
    """A thread that waits in compiled code for work."""

    def __init__(self, serve: Call) -> None:
        memory = np.zeros(j.MAILBOX_BYTES + 64, np.uint8)
        self.mailbox = memory.ctypes.data + -memory.ctypes.data % 64
        """Address of the mailbox (`fields.job`)."""
        _libc().sem_init(self._semaphore, 0, 0)

        thread = threading.Thread(
            target=_live, args=(serve, self.mailbox, memory), name="axemu-helper", daemon=True
        )
        thread.start()

    @property
    def _semaphore(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.mailbox + j.MAILBOX_SEMAPHORE)

    def stop(self) -> None:
        """Let the thread end; it must not be in use."""
        ctypes.c_int64.from_address(self.mailbox).value = j.STOP
        _libc().sem_post(self._semaphore)


def _live(serve: Call, mailbox: int, memory: object) -> None:
    """Serve for as long as asked; `memory` is held here because the thread looks at it."""
    serve(mailbox, 0, 0)
    del memory


def _stop_all(idle: dict[int, list[Helper]]) -> None:
    for helpers in idle.values():
        for helper in helpers:
            helper.stop()


class ThreadBudget:
    """How many threads of this process may compute at once, over all instances."""

    def __init__(self, total: int) -> None:
        if total < 1:
            raise InvalidArgument(f"the total of compute threads is {total}, expected at least 1")
        self.total = total
        self._free = total
        self._turn = threading.Condition()
        self._idle: dict[int, list[Helper]] = {}
        # A run holds its budget, so all helpers are idle by the time nobody holds it.
        weakref.finalize(self, _stop_all, self._idle)

    @contextmanager
    def taken(self, wanted: int, serve: Call) -> Iterator[list[Helper]]:
        """Hold the caller's turn and up to wanted - 1 helpers.

        Args:
            wanted: threads the run could use.
            serve: the compiled life of a helper; helpers of another library are not mixed in.
        """
        with self._turn:
            while self._free < 1:
                self._turn.wait()
            extra = min(wanted, self._free) - 1
            self._free -= 1 + extra
            idle = self._idle.setdefault(id(serve), [])
            helpers = [idle.pop() if idle else Helper(serve) for _ in range(extra)]
        try:
            yield helpers
        finally:
            with self._turn:
                self._free += 1 + len(helpers)
                self._idle[id(serve)] += helpers
                self._turn.notify(1 + len(helpers))


@cache
def shared_budget() -> ThreadBudget:
    """Return the budget of this process: `AXEMU_COMPUTE_THREADS`, or as many threads as it may use cores."""
    return ThreadBudget(thread_setting("AXEMU_COMPUTE_THREADS", core_count()))


def thread_setting(variable: str, default: int) -> int:
    """Return a number of threads from the environment.

    Raises:
        InvalidArgument: the variable holds something else.
    """
    text = os.environ.get(variable, "")
    if text and not text.isdigit():
        raise InvalidArgument(f"{variable} is {text!r}, expected a number of threads")
    return int(text) if text else default


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
