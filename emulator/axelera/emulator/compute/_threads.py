"""Threads: how many may compute at once, and the helpers that join a run.

A run is entered by the caller's thread. When the executable allows more, the run takes helpers that are idle; it
never waits for one. Callers beyond the total wait their turn, so four instances on four threads on a machine of two
cores are two at a time, not eight.
"""

from __future__ import annotations

import ctypes
import os
import re
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


class ThreadBudget:
    """How many threads of this process may compute at once, over all instances."""

    def __init__(self, total: int) -> None:
        if total < 1:
            raise InvalidArgument(f"the total of compute threads is {total}, expected at least 1")
        self.total = total
        self._lock = threading.Lock()
        self._free = total
        self._waiting = 0
        # A turn is passed on as a byte: Linux lets a reader continue on the core of the writer, which is about to
        # wait. One woken through a lock or a semaphore often queues behind a busy core while this one idles.
        self._awaited, self._passed = os.pipe()
        self._idle: dict[int, list[Helper]] = {}
        # A run holds its budget, so all helpers are idle by the time nobody holds it.
        weakref.finalize(self, _end, self._idle, (self._awaited, self._passed))

    @contextmanager
    def taken(self, wanted: int, serve: Call) -> Iterator[list[Helper]]:
        """Hold the caller's turn and up to wanted - 1 helpers.

        Callers who wait come before helpers, and in the order in which they came.

        Args:
            wanted: threads the run could use.
            serve: the compiled life of a helper; helpers of another library are not mixed in.
        """
        helpers = self._enter(wanted, serve)
        try:
            yield helpers
        finally:
            with self._lock:
                self._idle.setdefault(id(serve), []).extend(helpers)
            self._give(1 + len(helpers))

    def _enter(self, wanted: int, serve: Call) -> list[Helper]:
        with self._lock:
            turns = min(wanted, self._free)
            self._free -= turns
            if turns:
                idle = self._idle.setdefault(id(serve), [])
                return [idle.pop() if idle else Helper(serve) for _ in range(turns - 1)]
            self._waiting += 1
        self._wait()
        return []

    def _wait(self) -> None:
        """Read the byte that `_give` writes for each of those who wait."""
        try:
            os.read(self._awaited, 1)
        except BaseException:
            with self._lock:
                if self._waiting:
                    self._waiting -= 1
                    raise
            os.read(self._awaited, 1)  # written, or about to be
            self._give(1)
            raise

    def _give(self, turns: int) -> None:
        """Pass turns on to those who wait; keep the rest."""
        with self._lock:
            passed = min(turns, self._waiting)
            self._waiting -= passed
            self._free += turns - passed
        # Not under the lock: who is woken may stop this thread here, as it continues on the same core.
        if passed:
            os.write(self._passed, bytes(passed))


def _end(idle: dict[int, list[Helper]], files: tuple[int, int]) -> None:
    for helpers in idle.values():
        for helper in helpers:
            helper.stop()
    for file in files:
        os.close(file)


def shared_budget() -> ThreadBudget:
    """Return the budget of this process: `AXEMU_COMPUTE_THREADS`, or as many threads as it may use cores."""
    return _budget_of(os.getpid())


@cache
def _budget_of(_process: int) -> ThreadBudget:
    """Return a budget; a forked process gets one of its own, as helpers and turns taken stay behind."""
    return ThreadBudget(thread_setting("AXEMU_COMPUTE_THREADS", core_count()))


def thread_setting(variable: str, default: int) -> int:
    """Return a number of threads from the environment.

    Raises:
        InvalidArgument: the variable holds something else.
    """
    text = os.environ.get(variable, "")
    if text and not re.fullmatch(r"[0-9]{1,6}", text):
        raise InvalidArgument(f"{variable} is {text[:100]!r}, expected a number of threads")
    return int(text) if text else default


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
