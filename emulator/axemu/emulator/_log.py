"""What the application did, thread by thread: enough to say afterwards when the board would have done it."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from axemu.chip import TICKS_PER_SECOND
from axemu.driver import InvalidArgument


@dataclass(frozen=True, slots=True)
class CallToken:
    """Names one `run()` of one thread; see :func:`after`."""

    log: CallLog = field(repr=False)
    thread: int
    index: int


@dataclass(slots=True)
class ThreadLog:
    """Calls of one thread in program order; 8 bytes a call, 32 more with the times of the `realtime` pace."""

    number: int
    instances: array[int] = field(default_factory=lambda: array("I"))
    settings: array[int] = field(default_factory=lambda: array("I"))
    after: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    earliest: dict[int, int] = field(default_factory=dict)
    times: array[int] = field(default_factory=lambda: array("q"))
    declared: int = 0


class CallLog:
    """The calls of all threads of one context."""

    def __init__(self) -> None:
        self._threads: list[ThreadLog] = []
        self._own = threading.local()
        self._last_user: dict[int, tuple[threading.Thread, int, int]] = {}
        self.lock = threading.Lock()

    def thread(self) -> ThreadLog:
        """Return the log of the calling thread."""
        log: ThreadLog | None = getattr(self._own, "log", None)
        if log is None:
            with self.lock:
                log = ThreadLog(len(self._threads))
                self._threads.append(log)
            self._own.log = log
        return log

    def record(self, instance: int, settings: int, times: Sequence[int] = ()) -> None:
        """Append a call that succeeded to the calling thread's log, with what `after` declared for it."""
        log = self.thread()
        with self.lock:
            index = len(log.instances)
            tokens, _order.after = _order.after, ()
            if any(token.log is not self for token in tokens):
                raise InvalidArgument(
                    "after: the call it names belongs to another context, which has a clock of its own"
                )
            declared = tuple((token.thread, token.index) for token in tokens)
            log.declared += len(declared)
            if earlier := declared + self._handed_over(instance, log.number, index):
                log.after[index] = earlier
            if _order.earliest:
                log.earliest[index], _order.earliest = _order.earliest, 0
            log.instances.append(instance)
            log.settings.append(settings)
            log.times.extend(times)
            _order.last = CallToken(self, log.number, index)

    def _handed_over(self, instance: int, thread: int, index: int) -> tuple[tuple[int, int], ...]:
        """Return the last call of a thread that had ended before another one took its instance over."""
        user = threading.current_thread()
        before = self._last_user.get(instance)
        self._last_user[instance] = (user, thread, index)
        if before is None or before[0] is user or before[0].is_alive():
            return ()
        return (before[1:],)

    def snapshot(self) -> tuple[ThreadLog, ...]:
        """Return a consistent copy."""
        with self.lock:
            return tuple(
                ThreadLog(
                    log.number,
                    log.instances[:],
                    log.settings[:],
                    dict(log.after),
                    dict(log.earliest),
                    log.times[:],
                    log.declared,
                )
                for log in self._threads
            )

    def size(self) -> int:
        """Return the number of calls so far."""
        with self.lock:
            return sum(len(log.instances) for log in self._threads)


class _Order(threading.local):
    """Per thread: its last call, and what its next call was declared to wait for."""

    last: CallToken | None = None
    after: tuple[CallToken, ...] = ()
    earliest: int = 0


_order = _Order()


def last_call() -> CallToken | None:
    """Return a token for the calling thread's last `run()` on an emulated board, or None before its first.

    Hand it to another thread together with the results, and give it to :func:`after` there.
    """
    return _order.last


def after(token: CallToken | None) -> None:
    """Declare that the calling thread's next `run()` waits for the call `token` names.

    In virtual time threads do not see each other's queues. A thread that waits for results of another (the second
    stage of a cascade, a collector that submits again) says so here, before its `run()`; several declarations add up.
    None is accepted and means nothing, so a program stays the same on a card.

    Raises:
        InvalidArgument: `token` is something else.
    """
    if token is None:
        return
    if not isinstance(token, CallToken):
        raise InvalidArgument(f"after: {token!r} is a {type(token).__name__}; give what last_call() returned")
    _order.after = (*_order.after, token)


def not_before(seconds: float) -> None:
    """Declare that the calling thread's next `run()` does not arrive before this moment of virtual time.

    So a camera of 30 frames a second says `not_before(k / 30)` before frame k. In the `realtime` pace a program waits
    by itself, and this does nothing.

    Raises:
        InvalidArgument: `seconds` is negative or no finite number.
    """
    if not 0 <= seconds < math.inf:
        raise InvalidArgument(
            f"not_before: {seconds!r} is no moment; give seconds since the context was made, 0 or more"
        )
    _order.earliest = round(seconds * TICKS_PER_SECOND)
