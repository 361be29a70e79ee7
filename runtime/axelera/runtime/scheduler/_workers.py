"""Threads that work on frames, and how frames and results change hands: one queue each way, no locks of anybody's."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any


class Flight:
    """A frame between its reader and a worker. Whoever claims it first, a worker or who gives it up, ends it."""

    __slots__ = ("_arrived", "_at_end", "_claim", "_ended", "_error", "_replies", "_result", "_work")

    def __init__(
        self, work: Callable[[], Any], at_end: Callable[[], None], replies: queue.SimpleQueue[Flight]
    ) -> None:
        self._work: Callable[[], Any] | None = work
        self._at_end = at_end
        self._replies = replies
        self._claim = threading.Lock()
        self._ended = False
        self._arrived = False
        """Whether its reader took it out of the replies."""
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Work on the frame, unless it was given up."""
        if not self._claim.acquire(blocking=False):
            return
        assert self._work is not None  # noqa: S101
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001  its reader raises it
            self._error = error
        self._end()

    def give_up(self) -> None:
        """End it with a `CancelledError`, unless it has begun."""
        if self._claim.acquire(blocking=False):
            self._error = CancelledError()
            self._end()

    def _end(self) -> None:
        self._work = None
        self._at_end()
        self._ended = True
        self._replies.put(self)

    def result(self) -> Any:
        """Wait for the result; to be called once, by who reads all replies.

        Raises:
            CancelledError: it was given up; or whatever the work raised.
        """
        while not self._arrived:  # though it may have ended: virtual time hears of the worker's calls here
            self._replies.get()._arrived = True  # another one's, if that was given up  # noqa: SLF001
        if self._error is None:
            return self._result
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # which would refer to this very frame of the stack

    def wait(self) -> None:
        """Return when it has ended, though an interrupt may have lost its reply."""
        while not self._ended:
            self._replies.get()


class Worker:
    """A thread that works on one frame after the other."""

    def __init__(self, name: str, begin: Callable[[], None]) -> None:
        """Make it; `begin` is called in the thread once it lives."""
        # By the module, where virtual time puts a queue that it can watch.
        self._flights: queue.SimpleQueue[Flight | None] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a signal handler may use the same worker
        self._stopped = False
        # A daemon, since the interpreter waits for others before it calls what `atexit` holds: `Scheduler.close`.
        self._thread = threading.Thread(target=_serve, args=(self._flights, begin), name=name, daemon=True)

    def start(self) -> None:
        """Let the thread live, unless it does."""
        if self._thread.ident is None:
            self._thread.start()

    def take(self, flight: Flight) -> None:
        """Work on a frame after those taken before; a stopped worker gives it up."""
        with self._lock:
            if not self._stopped:
                self._flights.put(flight)
                return
        flight.give_up()

    def stop(self) -> None:
        """Give up what has not begun, and take no more."""
        with self._lock:
            self._stopped = True
        try:
            while (flight := self._flights.get_nowait()) is not None:
                flight.give_up()
        except queue.Empty:
            pass
        self._flights.put(None)

    def join(self) -> None:
        """Wait for the end of a stopped worker, unless it is the caller."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()


def _serve(flights: queue.SimpleQueue[Flight | None], begin: Callable[[], None]) -> None:
    begin()
    while (flight := flights.get()) is not None:
        flight.run()
        del flight  # and its result, while there is nothing to do
