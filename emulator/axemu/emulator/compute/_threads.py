"""Threads: how many may compute at once, and the helpers that join a run.

A run is entered by the caller's thread, which works, too, unless it runs aside: then helpers of lower priority work while
it sleeps. When the executable allows more threads, the run takes helpers that are idle; beyond the first of a run aside it
never waits for one. Callers beyond the total wait their turn, so four instances on four threads on a machine of two
cores are two at a time, not eight.

Python raises an interrupt where a function begins, where a loop turns, and after any call into C; never within other
statements. So what belongs together is changed here by statements without a call between them, and whatever an interrupt
ends can be done over again.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import starmap

import numpy as np

from axemu.driver import InvalidArgument

from ._paths import core_count
from ._settings import thread_setting
from .executor.arguments import MAILBOX_BYTES, MAILBOX_SEMAPHORE, MAILBOX_WORKER, STOP, WORKER_SEMAPHORE

Call = Callable[[int, int, int], None]
NICER = 5
"""How much lower the priority of work aside is, in steps of nice(2): a third of a share beside a busy thread."""


class Helper:
    """A thread that waits in compiled code for work; aside, one that leaves cores to whoever else wants them."""

    def __init__(self, serve: Call, *, aside: bool = False) -> None:
        self._aside = aside
        self._memory = np.zeros(MAILBOX_BYTES + 64, np.uint8)
        self._serve = serve
        self._started: list[int] = []
        self.mailbox = self._memory.ctypes.data + -self._memory.ctypes.data % 64
        """Address of the mailbox (`executor.arguments.Mailbox`)."""
        make_semaphore(self.mailbox + MAILBOX_SEMAPHORE)
        make_semaphore(self.mailbox + MAILBOX_WORKER + WORKER_SEMAPHORE)

    @property
    def _semaphore(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.mailbox + MAILBOX_SEMAPHORE)

    def start(self) -> None:
        """Let the thread live, unless it does."""
        if not self._started:
            arguments = (self._serve, self.mailbox, self._memory, self._aside)
            # One call into C, so that no interrupt can come between the start and its record.
            self._started.extend(starmap(_thread.start_new_thread, ((_live, arguments),)))

    def stop(self) -> None:
        """Let the thread end; it must not be in use."""
        ctypes.c_int64.from_address(self.mailbox).value = STOP
        _libc().sem_post(self._semaphore)


def _live(serve: Call, mailbox: int, memory: object, aside: bool) -> None:
    """Serve for as long as asked; `memory` is held here because the thread looks at it."""
    if aside and sys.platform == "linux":  # elsewhere threads have no priorities of their own
        own = threading.get_native_id()
        with contextlib.suppress(
            OSError
        ):  # a sandbox may refuse; who sleeps until this thread has worked would never wake
            os.setpriority(os.PRIO_PROCESS, own, min(19, os.getpriority(os.PRIO_PROCESS, own) + NICER))
    serve(mailbox, 0, 0)
    del memory


class _Bell:
    """Wakes one thread.

    It is a pipe, because Linux lets a reader continue on the core of the writer, which is about to wait. A thread woken
    through a lock or a semaphore often queues behind a busy core while this one idles.
    """

    def __init__(self) -> None:
        self._heard, self._rung = os.pipe()
        os.set_blocking(self._rung, False)
        weakref.finalize(self, _close, (self._heard, self._rung))

    def ring(self) -> None:
        """Wake the thread that waits, or the next that does."""
        with suppress(BlockingIOError):  # full of earlier calls
            os.write(self._rung, b"\0")

    def wait(self) -> None:
        """Return when it was rung, perhaps for an earlier reason."""
        os.read(self._heard, 1)


def _close(files: tuple[int, int]) -> None:
    for file in files:
        os.close(file)


class _Turn:
    """What one run holds, or waits for: `count` threads may compute, of which `helpers` are not the caller's."""

    __slots__ = ("aside", "bell", "count", "helpers", "serve", "wanted")

    def __init__(self, wanted: int, serve: Call, aside: bool) -> None:
        self.wanted = wanted
        self.serve = serve
        self.aside = aside
        self.count = 0
        self.helpers: list[Helper] = []
        self.bell: _Bell | None = None


class ThreadBudget:
    """How many threads of this process may compute at once, over all instances."""

    def __init__(self, total: int) -> None:
        if total < 1:
            raise InvalidArgument(f"the total of compute threads is {total}, expected at least 1")
        self.total = total
        self._lock = threading.RLock()  # a signal handler may run a frame of its own
        self._free = total
        self._queue: list[_Turn] = []
        self._granted: dict[_Turn, None] = {}
        """Turns that were waited for and passed on to threads that have not woken up yet."""
        self._given: deque[_Turn] = deque()
        """Turns that ended and were not taken back yet."""
        self._own = threading.local()
        # By the code that is their life, which each keeps, and by whether they work aside.
        self._idle: dict[tuple[int, bool], list[Helper]] = {}
        # A run holds its budget, so all helpers are idle by the time nobody holds it.
        weakref.finalize(self, _end, self._idle)

    def hold(
        self, wanted: int, serve: Call, work: Callable[[list[Helper]], None], *, aside: bool = False
    ) -> None:
        """Call `work` with up to wanted - 1 helpers, or aside with one to `wanted`, when it is the caller's turn.

        Callers who wait come before helpers, and in the order in which they came. An exception, be it an interrupt at any
        moment, leaves all turns and helpers to others.

        Args:
            wanted: threads the run could use.
            serve: the compiled life of a helper; helpers of another library are not mixed in.
            work: the run.
            aside: the caller's thread will sleep, and helpers of lower priority do all the work.
        """
        turn = _Turn(wanted, serve, aside)
        settled = False
        try:
            try:
                self._enter(turn)
                work(turn.helpers)
            finally:
                self._given.append(turn)
                self._settle()
                settled = True
        finally:
            if not settled:  # an interrupt ended that
                self._settle()

    def _enter(self, turn: _Turn) -> None:
        with self._lock:
            if self._given or self._queue or not self._free:
                turn.bell = self._bell()
                self._queue.append(turn)
            else:
                count = min(turn.wanted, self._free)
                self._free -= count
                turn.count = count
        if turn.bell is not None:
            self._settle()
            while not turn.count:
                turn.bell.wait()
            self._granted.pop(turn, None)
        self._call_helpers(turn)

    def _call_helpers(self, turn: _Turn) -> None:
        wanted = turn.count - (not turn.aside)
        if not wanted:
            return
        with self._lock:
            idle = self._idle.setdefault((id(turn.serve), turn.aside), [])
            turn.helpers = idle[-wanted:]
            del idle[-wanted:]
        while len(turn.helpers) < wanted:
            turn.helpers.append(Helper(turn.serve, aside=turn.aside))
        for helper in turn.helpers:
            helper.start()

    def _settle(self) -> None:
        """Take back turns that were given, and pass them on to those who wait; may be ended and done again."""
        with self._lock:
            while self._given:
                self._take_back(self._given[0])
                del self._given[0]
            while self._queue and self._free:
                turn = self._queue[0]
                self._granted[turn] = None
                self._free -= 1
                turn.count = 1
                del self._queue[0]
        # Not under the lock: who is woken may stop this thread here, as it continues on the same core.
        for turn in tuple(self._granted):
            if turn.bell is not None:
                turn.bell.ring()

    def _take_back(self, turn: _Turn) -> None:
        if turn in self._queue:
            self._queue.remove(turn)
        self._granted.pop(turn, None)
        idle = self._idle.setdefault((id(turn.serve), turn.aside), [])
        idle += turn.helpers
        turn.helpers = []
        self._free += turn.count
        turn.count = 0

    def _bell(self) -> _Bell:
        """Return the bell of the calling thread."""
        bell: _Bell | None = getattr(self._own, "bell", None)
        if bell is None:
            bell = self._own.bell = _Bell()
        return bell


def _end(idle: dict[tuple[int, bool], list[Helper]]) -> None:
    for helpers in idle.values():
        for helper in helpers:
            helper.stop()


_budgets: dict[int, ThreadBudget] = {}
"""By process: a forked one gets a budget of its own, as helpers and turns taken stay behind."""


def shared_budget() -> ThreadBudget:
    """Return the budget of this process: `AXEMU_COMPUTE_THREADS`, or as many threads as it may use cores."""
    known = _budgets.get(os.getpid())
    if known is None:
        known = ThreadBudget(thread_setting("AXEMU_COMPUTE_THREADS", core_count()))
        known = _budgets.setdefault(os.getpid(), known)  # another thread may have been faster
    return known


def make_semaphore(address: int) -> None:
    """Make a POSIX semaphore of this process, at 0."""
    _libc().sem_init(ctypes.c_void_p(address), 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
