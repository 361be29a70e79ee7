"""Lets other processes watch the boards of a context, while they do.

Every call glances at the clock, and once a second at a file. If somebody watches, a thread writes snapshots until nobody
does. It belongs to no program: it is started without `threading`, which virtual time watches, and waits on a queue that
virtual time does not see.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue

from axemu.driver import AxeleraError, PrivateDirectory
from axemu.emulator._recording import Recording
from axemu.emulator._watching_place import file_name, is_watched, open_place

LOOK_SECONDS = 1.0
"""Between two looks whether somebody watches, and at least between two snapshots."""
SHARE = 0.05
"""The most of a processor's time that snapshots take: one that is slow to make is made less often."""

_contexts = count()


class Publisher:
    """Publishes what `recording`, a method, returns; it does not keep the method's object alive."""

    def __init__(self, recording: Callable[[], Recording]) -> None:
        self._recording = weakref.WeakMethod(recording)
        self._context = next(_contexts)
        self._pid = os.getpid()
        self._due = 0.0
        self._closed = False
        self._publishing = _thread.allocate_lock()
        """Held by the thread that publishes."""
        self._thread: int | None = None
        self._wake: SimpleQueue[None] = SimpleQueue()

    def look(self) -> None:
        """Begin to publish if somebody watches; most calls only compare the clock."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + LOOK_SECONDS
        if self._publishing.locked() or self._closed or os.getpid() != self._pid:
            return
        with contextlib.suppress(OSError, AxeleraError), open_place() as place:
            if is_watched(place):
                _thread.start_new_thread(self._run, ())

    def close(self) -> None:
        """Stop, and publish how it ended if somebody watches."""
        self._closed = True
        if os.getpid() != self._pid:
            return
        self._wake.put(None)
        if self._thread != threading.get_ident():  # else it came upon a context that nobody refers to
            self._publishing.acquire()
        with contextlib.suppress(OSError, AxeleraError), open_place() as place:
            if is_watched(place) and (recording := self._recording()) is not None:
                self._write(place, recording(), every=0, ended=True)

    def _run(self) -> None:
        if not self._publishing.acquire(blocking=False):
            return
        self._thread = threading.get_ident()
        try:
            # Nobody is there to be told that the directory is gone, or that the boards cannot be simulated.
            with contextlib.suppress(OSError, AxeleraError), open_place() as place:
                try:
                    self._publish(place)
                finally:
                    place.remove(file_name(self._context))
        finally:
            self._thread = None
            self._publishing.release()

    def _publish(self, place: PrivateDirectory) -> None:
        while not self._closed and is_watched(place):
            start = time.thread_time()
            make = self._recording()
            if make is None:
                return
            recording = make()
            every = max(LOOK_SECONDS, (time.thread_time() - start) / SHARE)
            self._write(place, recording, every, ended=False)
            del make, recording  # whoever drops the driver shall be the last that has it
            with contextlib.suppress(Empty):
                self._wake.get(timeout=every)

    def _write(self, place: PrivateDirectory, recording: Recording, every: float, ended: bool) -> None:
        from axemu.emulator.watching._take import take  # noqa: PLC0415  only for the watched

        program = Path(sys.argv[0]).name if sys.argv else ""
        snapshot = take(
            recording, program=program, context=self._context, at=time.time(), every=every, ended=ended
        )
        place.write(file_name(self._context), snapshot.model_dump_json().encode())
