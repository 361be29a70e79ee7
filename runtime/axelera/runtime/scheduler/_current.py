"""Which scheduler pipelines run on: the block's, the worker's, or the one of the process."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from axelera.runtime.scheduler._scheduler import DEFAULT_WORKERS, Scheduler, chosen, owner


class _Process:
    """The scheduler of the process; a forked child has none yet."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._scheduler: Scheduler | None = None

    def get(self) -> Scheduler:
        with self._lock:
            if self._scheduler is None or self._scheduler.is_closed:
                self._scheduler = Scheduler()
            return self._scheduler

    def holder(self) -> Scheduler | None:
        """Return the scheduler if there is one and it holds boards."""
        with self._lock:
            scheduler = self._scheduler
        return scheduler if scheduler is not None and scheduler.is_connected else None

    def close(self) -> None:
        with self._lock:
            scheduler = self._scheduler
        if scheduler is not None:
            scheduler.close()


_process = _Process()
os.register_at_fork(after_in_child=_process.forget)
atexit.register(_process.close)


def current() -> Scheduler:
    """Return the scheduler of the surrounding `create`, else the owner of this worker thread, else that of the process.

    The last one is made at first use and closed when the process ends.
    """
    return chosen.get() or owner() or _process.get()


@contextmanager
def create(devices: str | None = None, num_workers: int = DEFAULT_WORKERS) -> Iterator[Scheduler]:
    """Use a scheduler of one's own within the block; it is closed at its end.

    Args:
        devices: as for `Scheduler`.
        num_workers: likewise.

    Raises:
        RuntimeError: the scheduler of the process holds boards.
    """
    if _process.holder() is not None:
        raise RuntimeError(
            "the scheduler of this process holds the boards; close it before: axelera.runtime.scheduler.current().close()"
        )
    scheduler = Scheduler(devices, num_workers)
    token = chosen.set(scheduler)
    try:
        yield scheduler
    finally:
        chosen.reset(token)
        scheduler.close()
