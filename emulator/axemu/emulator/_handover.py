"""The ways of the standard library on which one thread hands something to another, watched while virtual time is kept.

Queues, events, conditions, semaphores, barriers, futures, thread pools, and starting and joining threads carry what the
giving thread knows (`_causality`) to the one that takes. They behave as ever; nothing is added to what programs see.
"""

from __future__ import annotations

import concurrent.futures
import functools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from axemu.emulator._causality import NOTHING, Stamp, knowledge, merged

Method = Callable[..., Any]
PATIENCE = 0.05
"""Seconds to wait for another thread to note what it has already taken."""

_LINE, _STAMP, _TOKENS, _ROUNDS = "_axemu_line", "_axemu_stamp", "_axemu_tokens", "_axemu_rounds"
"""Attributes of what is watched."""

_numbers = count()


class _Inside(threading.local):
    """Whether the thread is within one of these ways, which are built of one another."""

    here = False


_inside = _Inside()


@contextmanager
def _within() -> Iterator[None]:
    before, _inside.here = _inside.here, True
    try:
        yield
    finally:
        _inside.here = before


class _Line:
    """What goes along with the items of a queue, and what was known to those who took some.

    Items are told apart by identity, so queues may hand them out in any order.
    """

    def __init__(self, waiting: int = 0) -> None:
        self.number = next(_numbers)
        self.done: Stamp = NOTHING
        self._lock = threading.Lock()
        self._offered = 0
        self._accepted = waiting
        self._items: dict[int, deque[tuple[int, Stamp]]] = {}
        self._takers: dict[int, Stamp] = {}
        self._taken = 0

    def offer(self, item: object) -> tuple[int, Stamp]:
        """Note an item before anybody can take it."""
        with self._lock:
            entry = self._offered, knowledge().stamp()
            self._offered += 1
            self._items.setdefault(id(item), deque()).append(entry)
            return entry

    def withdraw(self, item: object, entry: tuple[int, Stamp]) -> None:
        """Forget an item that the queue did not take."""
        with self._lock:
            entries = self._items.get(id(item))
            if entries and entry in entries:
                entries.remove(entry)

    def take(self, item: object, way: str, bounded: bool) -> None:
        """Let the calling thread hear of what an item brings."""
        known = knowledge()
        with self._lock:
            if bounded:
                self._takers[self._taken] = known.stamp()
            self._taken += 1
            entries = self._items.get(id(item))
            entry = entries.popleft() if entries else None
            if not entries:
                self._items.pop(id(item), None)
        if entry is not None:
            known.take(self.number, entry[0])
            known.hear(entry[1], way)

    def room(self, maxsize: int) -> Stamp:
        """Return what was known to whoever made room for the item just accepted."""
        with self._lock:
            place = self._accepted - maxsize
            self._accepted += 1
        if maxsize <= 0 or place < 0:
            return NOTHING
        until = time.monotonic() + PATIENCE
        while place not in self._takers and time.monotonic() < until:
            time.sleep(0)
        with self._lock:
            return self._takers.pop(place, NOTHING)


def _line(owner: Any) -> _Line:
    found: _Line | None = getattr(owner, _LINE, None)
    if found is None:
        with _making:
            found = getattr(owner, _LINE, None)
            if found is None:
                qsize = getattr(owner, "qsize", None)
                found = _Line(qsize() if qsize else 0)
                setattr(owner, _LINE, found)
    return found


_making = threading.Lock()


def _carry(owner: Any) -> None:
    """Let an object keep what the calling thread knows."""
    setattr(owner, _STAMP, merged(getattr(owner, _STAMP, NOTHING), knowledge().stamp()))


def _receive(owner: Any, way: str) -> None:
    """Let the calling thread hear of what an object keeps."""
    knowledge().hear(getattr(owner, _STAMP, NOTHING), way)


def _put(original: Method) -> Method:
    def put(self: Any, item: Any, *arguments: Any, **named: Any) -> Any:
        if _inside.here:
            return original(self, item, *arguments, **named)
        line = _line(self)
        entry = line.offer(item)
        try:
            with _within():
                result = original(self, item, *arguments, **named)
        except BaseException:
            line.withdraw(item, entry)
            raise
        knowledge().hear(line.room(getattr(self, "maxsize", 0)), "queue")
        return result

    return put


def _get(original: Method) -> Method:
    def get(self: Any, *arguments: Any, **named: Any) -> Any:
        if _inside.here:
            return original(self, *arguments, **named)
        with _within():
            item = original(self, *arguments, **named)
        _line(self).take(item, "queue", getattr(self, "maxsize", 0) > 0)
        return item

    return get


def _giving(original: Method) -> Method:
    """A method after which others go on: set, notify, release, task_done, set_result."""

    def give(self: Any, *arguments: Any, **named: Any) -> Any:
        if not _inside.here:
            _carry(self)
        with _within():
            return original(self, *arguments, **named)

    return give


def _waiting(way: str, only: bool) -> Callable[[Method], Method]:
    """A method that waits for others; with `only` it has where it returns something true."""

    def wrap(original: Method) -> Method:
        def wait(self: Any, *arguments: Any, **named: Any) -> Any:
            with _within():
                try:
                    result = original(self, *arguments, **named)
                except BaseException:
                    if not only:
                        _receive(self, way)  # a future's own exception, say
                    raise
            if not _inside.here and (not only or result):
                _receive(self, way)
            return result

        return wait

    return wrap


def _clear(original: Method) -> Method:
    def clear(self: Any) -> Any:
        result = original(self)
        setattr(self, _STAMP, NOTHING)
        return result

    return clear


def _release(original: Method) -> Method:
    def release(self: Any, n: int = 1) -> Any:
        tokens = _tokens(self)
        if not _inside.here:
            tokens.extend([knowledge().stamp()] * n)
        with _within():
            return original(self, n)

    return release


def _acquire(original: Method) -> Method:
    def acquire(self: Any, *arguments: Any, **named: Any) -> Any:
        tokens = _tokens(self)
        with _within():
            result = original(self, *arguments, **named)
        if result and not _inside.here and tokens:
            knowledge().hear(tokens.popleft(), "semaphore")
        return result

    return acquire


def _tokens(semaphore: Any) -> deque[Stamp]:
    """Return what goes along with each release that nobody has used yet; those there were from the start know nothing."""
    found: deque[Stamp] | None = getattr(semaphore, _TOKENS, None)
    if found is None:
        found = deque([NOTHING] * getattr(semaphore, "_value", 0))
        setattr(semaphore, _TOKENS, found)
    return found


def _barrier(original: Method) -> Method:
    def wait(self: Any, timeout: Any = None) -> Any:
        with _making:
            arrived, rounds = getattr(self, _ROUNDS, (0, {}))
            turn = arrived // self.parties
            before = rounds.get(turn, NOTHING)
            # Who leaves late may still look at the round before; nobody at an earlier one.
            rounds = {turn - 1: rounds.get(turn - 1, NOTHING), turn: merged(before, knowledge().stamp())}
            setattr(self, _ROUNDS, (arrived + 1, rounds))
        with _within():
            result = original(self, timeout)
        knowledge().hear(getattr(self, _ROUNDS)[1].get(turn, NOTHING), "barrier")
        return result

    return wait


def _start(original: Method) -> Method:
    def start(self: Any) -> Any:
        knowledge(self).hear(knowledge().stamp(), "thread")
        with _within():
            return original(self)

    return start


def _join(original: Method) -> Method:
    def join(self: Any, timeout: Any = None) -> Any:
        with _within():
            result = original(self, timeout)
        if not self.is_alive():
            knowledge().hear(knowledge(self).stamp(), "thread")
        return result

    return join


def _submit(original: Method) -> Method:
    def submit(self: Any, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        line = _line(self)

        @functools.wraps(fn)
        def task(*arguments: Any, **named: Any) -> Any:
            line.take(task, "future", bounded=False)
            return fn(*arguments, **named)

        entry = line.offer(task)
        try:
            with _within():
                return original(self, task, *arguments, **named)
        except BaseException:
            line.withdraw(task, entry)
            raise

    return submit


def _watchable() -> type[Any]:
    """Return a queue to stand in for Python's own, which cannot be watched, for who asks for it from now on."""

    class SimpleQueue(_Simple):  # type: ignore[misc]
        put, get = _put(_Simple.put), _get(_Simple.get)

    return SimpleQueue


_Simple: Any = queue.SimpleQueue


_WAYS: tuple[tuple[Any, str, Callable[[Method], Method]], ...] = (
    (queue.Queue, "put", _put),
    (queue.Queue, "get", _get),
    (queue.Queue, "task_done", _giving),
    (queue.Queue, "join", _waiting("queue", only=False)),
    (threading.Event, "set", _giving),
    (threading.Event, "wait", _waiting("event", only=True)),
    (threading.Event, "is_set", _waiting("event", only=True)),
    (threading.Event, "clear", _clear),
    (threading.Condition, "notify", _giving),
    (threading.Condition, "wait", _waiting("condition", only=True)),
    (threading.Semaphore, "acquire", _acquire),
    (threading.Semaphore, "__enter__", _acquire),
    (threading.Semaphore, "release", _release),
    (threading.BoundedSemaphore, "release", _release),
    (threading.Barrier, "wait", _barrier),
    (threading.Thread, "start", _start),
    (threading.Thread, "join", _join),
    (concurrent.futures.Future, "set_result", _giving),
    (concurrent.futures.Future, "set_exception", _giving),
    (concurrent.futures.Future, "result", _waiting("future", only=False)),
    (concurrent.futures.Future, "exception", _waiting("future", only=False)),
    (concurrent.futures.ThreadPoolExecutor, "submit", _submit),
)


class _Watch:
    """Watches the ways as long as anybody keeps virtual time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self._originals: list[tuple[Any, str, Any]] = []

    def begin(self) -> None:
        """Watch from now on."""
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            for owner, name, wrap in _WAYS:
                original = owner.__dict__.get(name, getattr(owner, name))
                self._originals.append((owner, name, owner.__dict__.get(name)))
                setattr(owner, name, functools.wraps(original)(wrap(original)))
            self._originals.append((queue, "SimpleQueue", queue.SimpleQueue))
            setattr(queue, "SimpleQueue", _watchable())  # noqa: B010

    def end(self) -> None:
        """Watch no longer, once everybody has said so."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for owner, name, original in reversed(self._originals):
                if original is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, original)
            self._originals.clear()


handovers = _Watch()
