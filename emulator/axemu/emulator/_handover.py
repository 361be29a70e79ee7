"""The ways of the standard library on which one thread hands something to another, watched while virtual time is kept.

Queues, events, conditions, semaphores, barriers, futures, thread pools, and starting and joining threads carry what the
giving thread knows (`_causality`) to the one that takes. They behave as ever; nothing is added to what programs see.
"""

from __future__ import annotations

import concurrent.futures
import functools
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from axemu.emulator._causality import NOTHING, Stamp, knowledge, merged
from axemu.emulator._lines import Line, Tasks

Method = Callable[..., Any]
Kept = TypeVar("Kept")


class _Inside(threading.local):
    """Whether the thread is within one of these ways, which are built of one another."""

    here = False


_inside = _Inside()


def _call(inside: bool, method: Method, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    before, _inside.here = _inside.here, inside  # no call before `try`, so no interrupt comes between
    try:
        return method(*arguments, **named)
    finally:
        _inside.here = before


def _within(method: Method, /, *arguments: Any, **named: Any) -> Any:
    """Call what a way is built of."""
    return _call(True, method, arguments, named)


def _name(kind: str) -> str:
    """Name an attribute of what is watched; another watch does not see it, as it missed what happened between."""
    return f"_axemu_{kind}_{handovers.number}"


def _kept(owner: Any, kind: str, make: Callable[[], Kept]) -> Kept:
    """Return what goes along with an object, made unless it is there.

    Made in one step, not under a lock of all objects: a child that was forked meanwhile would find it taken for ever.
    """
    attributes: dict[str, Any] = owner.__dict__
    name = _name(kind)
    kept: Kept | None = attributes.get(name)
    if kept is None:
        kept = attributes.setdefault(name, make())
        for other in list(attributes):
            if other.startswith(f"_axemu_{kind}_") and other != name:
                attributes.pop(other, None)
    return kept


def _line(owner: Any) -> Line:
    return _kept(owner, "line", partial(Line, owner))


class _Left:
    """What givers left with an object."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.stamp: Stamp = NOTHING


def _carry(owner: Any) -> None:
    """Let an object keep what the calling thread knows."""
    if stamp := knowledge().stamp():
        left = _kept(owner, "stamp", _Left)
        with left.lock:
            left.stamp = merged(left.stamp, stamp)


def _receive(owner: Any, way: str) -> None:
    """Let the calling thread hear of what an object keeps."""
    left: _Left | None = owner.__dict__.get(_name("stamp"))
    if left is not None:
        knowledge().hear(left.stamp, way)


def _put(original: Method) -> Method:
    def put(self: Any, item: Any, *arguments: Any, **named: Any) -> Any:
        if _inside.here:
            return original(self, item, *arguments, **named)
        line = _line(self)
        entry = line.offer(self, item)
        try:
            result = _within(original, self, item, *arguments, **named)
        except BaseException:
            line.withdraw(item, entry)
            raise
        knowledge().hear(line.room(self), "queue")
        return result

    return put


def _get(original: Method) -> Method:
    def get(self: Any, *arguments: Any, **named: Any) -> Any:
        if _inside.here:
            return original(self, *arguments, **named)
        line = _line(self)
        line.enter()
        try:
            item = _within(original, self, *arguments, **named)
        except BaseException:
            line.leave()
            raise
        line.take(self, item)
        return item

    return get


def _giving(original: Method) -> Method:
    """A method after which others go on: set, notify, release, task_done, set_result."""

    def give(self: Any, *arguments: Any, **named: Any) -> Any:
        if not _inside.here:
            _carry(self)
        return _within(original, self, *arguments, **named)

    return give


def _waiting(way: str, only: bool) -> Callable[[Method], Method]:
    """A method that waits for others; with `only` it has where it returns something true."""

    def wrap(original: Method) -> Method:
        def wait(self: Any, *arguments: Any, **named: Any) -> Any:
            try:
                result = _within(original, self, *arguments, **named)
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
        left: _Left | None = self.__dict__.get(_name("stamp"))
        if left is not None:
            with left.lock:
                left.stamp = NOTHING  # first: who sets the event from now on leaves something
        return original(self)

    return clear


def _callback(original: Method) -> Method:
    def add_done_callback(self: Any, fn: Callable[..., Any]) -> Any:
        @functools.wraps(fn)
        def callback(*arguments: Any, **named: Any) -> Any:
            return _call(False, fn, arguments, named)  # the program's own, though `set_result` calls it

        return original(self, callback)

    return add_done_callback


def _release(original: Method) -> Method:
    def release(self: Any, n: int = 1) -> Any:
        tokens = _tokens(self)
        tokens.extend([NOTHING if _inside.here else knowledge().stamp()] * n)
        try:
            return _within(original, self, n)
        except ValueError:  # more than there may be: nobody was let in
            for _ in range(n):
                tokens.pop()
            raise

    return release


def _acquire(original: Method) -> Method:
    def acquire(self: Any, *arguments: Any, **named: Any) -> Any:
        tokens = _tokens(self)
        result = _within(original, self, *arguments, **named)
        if result:
            try:
                token = tokens.popleft()
            except IndexError:  # released unseen
                token = NOTHING
            if not _inside.here:
                knowledge().hear(token, "semaphore")
        return result

    return acquire


def _tokens(semaphore: Any) -> deque[Stamp]:
    """Return what goes along with each release that nobody has used yet; those there were from the start know nothing."""
    return _kept(semaphore, "tokens", lambda: deque([NOTHING] * semaphore._value))  # noqa: SLF001


class _Round:
    """What is known to those who meet at a barrier once."""

    def __init__(self) -> None:
        self.arrived = 0
        self.stamp: Stamp = NOTHING


class _Rounds:
    """The rounds of a barrier; who leaves late still has its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._now = _Round()

    def arrive(self, parties: int) -> _Round:
        stamp = knowledge().stamp()
        with self._lock:
            now = self._now
            now.stamp = merged(now.stamp, stamp)
            now.arrived += 1
            if now.arrived == parties:
                self._now = _Round()
            return now

    def end(self, broken: _Round) -> None:
        with self._lock:
            if self._now is broken:
                self._now = _Round()


def _barrier(original: Method) -> Method:
    def wait(self: Any, timeout: Any = None) -> Any:
        rounds = _kept(self, "rounds", _Rounds)
        turn = rounds.arrive(self.parties)
        try:
            result = _within(original, self, timeout)
        except BaseException:
            rounds.end(turn)
            raise
        knowledge().hear(turn.stamp, "barrier")
        return result

    return wait


def _start(original: Method) -> Method:
    def start(self: Any) -> Any:
        knowledge(self).hear(knowledge().stamp(), "thread")
        return _within(original, self)

    return start


def _join(original: Method) -> Method:
    def join(self: Any, timeout: Any = None) -> Any:
        result = _within(original, self, timeout)
        if not self.is_alive():
            knowledge().hear(knowledge(self).stamp(), "thread")
        return result

    return join


def _submit(original: Method) -> Method:
    def crewed(self: Any, *arguments: Any, **named: Any) -> Any:
        # An executor starts no thread while one is idle, which here depends on how fast the host computes. A card takes its
        # time: with fewer threads than it may have, the executor would wait for it where it does not there.
        while self._idle_semaphore.acquire(blocking=False):
            pass
        return original(self, *arguments, **named)

    def submit(self: Any, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        tasks = _kept(self, "tasks", Tasks)
        place, stamp = next(tasks.places), knowledge().stamp()

        @functools.wraps(fn)
        def task(*arguments: Any, **named: Any) -> Any:
            known = knowledge()
            known.take(tasks.number, place)
            known.hear(stamp, "future")
            return fn(*arguments, **named)

        return _within(crewed, self, task, *arguments, **named)

    return submit


class _StandIn(type):
    """Counts instances of Python's own class, from before the watch, to the one that stands in for it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return super().__instancecheck__(instance) or (
            _Simple in cls.__bases__ and isinstance(instance, _Simple)
        )


def _watchable() -> type[Any]:
    """Return a queue to stand in for Python's own, which cannot be watched, for who asks for it from now on."""

    class SimpleQueue(_Simple, metaclass=_StandIn):  # type: ignore[misc]
        put, put_nowait = _put(_Simple.put), _put(_Simple.put_nowait)
        get, get_nowait = _get(_Simple.get), _get(_Simple.get_nowait)

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
    (concurrent.futures.Future, "add_done_callback", _callback),
    (concurrent.futures.ThreadPoolExecutor, "submit", _submit),
)


class _Watch:
    """Watches the ways as long as anybody keeps virtual time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self.number = 0
        """Which watch it is; what was noted in an earlier one is out of date."""
        self._originals: list[tuple[Any, str, Any]] = []

    def begin(self) -> None:
        """Watch from now on."""
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            self.number += 1
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
