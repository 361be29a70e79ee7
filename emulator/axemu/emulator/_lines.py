"""What goes along with the items of a queue, and with the tasks of an executor, while virtual time is kept."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from itertools import count
from typing import Any

from axemu.emulator._causality import NOTHING, Stamp, knowledge

PATIENCE = 0.05
"""Seconds to wait for another thread to note what it has already taken."""

_numbers = count()


class Tasks:
    """Numbers what an executor is given."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.places = count()


class Line:
    """What goes along with the items of a queue, and what was known to those who took some.

    Items are told apart by identity, so queues may hand them out in any order. Some come or go unseen: they were there
    before the watch, or a program empties the queue itself, or has methods of its own that add, refuse or drop items.
    """

    def __init__(self, owner: Any) -> None:
        self.number = next(_numbers)
        self._lock = threading.RLock()  # finalizers and signal handlers may use the same queue
        self._places = count()
        self._items: dict[int, deque[tuple[int, Stamp]]] = {}
        self._noted = 0
        self._unseen: int = owner.qsize()
        self._accepted: int = self._unseen
        self._busy = 0
        """Threads within put or get, whose items may be noted and not there, or the other way round."""
        self._takers: dict[int, Stamp] = {}
        self._taken = 0

    def offer(self, owner: Any, item: object) -> tuple[int, Stamp]:
        """Note an item before anybody can take it."""
        stamp = knowledge().stamp()
        with self._lock:
            self._forget(self._noted + self._unseen - self._busy - owner.qsize())
            self._busy += 1
            entry = next(self._places), stamp
            self._items.setdefault(id(item), deque()).append(entry)
            self._noted += 1
            return entry

    def withdraw(self, item: object, entry: tuple[int, Stamp]) -> None:
        """Forget an item that the queue did not take."""
        with self._lock:
            self._busy -= 1
            if entries := self._items.get(id(item)):
                # The same object may have come in and gone meanwhile, and been taken for this one.
                self._drop(id(item), entry if entry in entries else entries[-1])

    def enter(self) -> None:
        """Note that a thread is about to take an item."""
        with self._lock:
            self._busy += 1

    def leave(self) -> None:
        """Note that it took none."""
        with self._lock:
            self._busy -= 1

    def take(self, owner: Any, item: object) -> None:
        """Let the calling thread hear of what an item brings."""
        known = knowledge()
        maxsize = _maxsize(owner)
        stamp = known.stamp() if maxsize > 0 else NOTHING
        entry = None
        with self._lock:
            self._busy -= 1
            if id(item) in self._items:
                entry = self._items[id(item)][0]
                self._drop(id(item), entry)
            elif self._unseen:
                self._unseen -= 1
            else:
                self._takers.pop(self._accept(maxsize), None)
            if maxsize > 0:
                self._takers[self._taken] = stamp
            self._taken += 1
        if entry is not None:
            known.take(self.number, entry[0])
            known.hear(entry[1], "queue")

    def room(self, owner: Any) -> Stamp:
        """Return what was known to whoever made room for the item just accepted."""
        maxsize = _maxsize(owner)
        with self._lock:
            self._busy -= 1
            place = self._accept(maxsize)
        if maxsize <= 0:
            return NOTHING
        if place >= self._taken:
            until = time.monotonic() + PATIENCE
            while place >= self._taken and time.monotonic() < until:
                time.sleep(0)
        with self._lock:
            if place >= self._taken:
                # Some went unseen. One that is taken after all counts as having come unseen.
                self._forget(max(place + 1 - self._taken, self._noted + self._unseen - owner.qsize()))
            return self._takers.pop(place, NOTHING)

    def _accept(self, maxsize: int) -> int:
        """Count an item in; return which taking made room for it."""
        self._accepted += 1
        return self._accepted - 1 - maxsize

    def _drop(self, key: int, entry: tuple[int, Stamp]) -> None:
        entries = self._items[key]
        entries.remove(entry)
        if not entries:
            del self._items[key]
        self._noted -= 1

    def _forget(self, many: int) -> None:
        """Forget as many items as went unseen, the oldest ones."""
        if many <= 0:
            return
        self._accepted -= many
        unseen = min(many, self._unseen)
        self._unseen -= unseen
        noted = ((entry, key) for key, entries in self._items.items() for entry in entries)
        for entry, key in heapq.nsmallest(many - unseen, noted, key=lambda one: one[0][0]):
            self._drop(key, entry)


def _maxsize(owner: Any) -> int:
    maxsize: int = getattr(owner, "maxsize", 0)
    return maxsize
