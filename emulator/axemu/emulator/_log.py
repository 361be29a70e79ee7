"""What the application did, thread by thread: enough to say afterwards when the board would have done it."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from axemu.chip import TICKS_PER_SECOND
from axemu.driver import InvalidArgument
from axemu.emulator._causality import UNHEARD, Story, knowledge

SETTINGS = 1 << 32
"""How many combinations of settings a call can name."""


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
    calls: array[int] = field(default_factory=lambda: array("Q"))
    """Instance · `SETTINGS` + settings of each call, as one number, so that no interrupt can come between them."""
    after: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    earliest: dict[int, int] = field(default_factory=dict)
    items: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Items (queue, place in its order) that the thread took before a call, by call."""
    times: array[int] = field(default_factory=lambda: array("q"))
    declared: int = 0
    inferred: int = 0

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.calls)


class CallLog:
    """The calls of all threads of one context."""

    def __init__(self, story: Story | None = None) -> None:
        self._story = story
        self.ways: set[str] = set()
        """On which ways of the standard library threads heard of each other's calls."""
        self._threads: list[ThreadLog] = []
        self._own = threading.local()
        self._last_user: dict[int, tuple[threading.Thread, int, int]] = {}
        self.lock = threading.RLock()  # a signal handler may run a frame of its own

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
            index = len(log)
            _drop_unfinished(log, index)
            tokens, earliest = _order.after, _order.earliest
            _order.after, _order.earliest = (), 0
            if any(token.log is not self for token in tokens):
                raise InvalidArgument(
                    "after: the call it names belongs to another context, which has a clock of its own"
                )
            declared = tuple((token.thread, token.index) for token in tokens)
            user, token = threading.current_thread(), CallToken(self, log.number, index)
            heard = knowledge().before(self._story) if self._story else UNHEARD
            if earlier := tuple(dict.fromkeys(declared + self._handed_over(instance, user) + heard.calls)):
                log.after[index] = earlier
            if heard.items:
                log.items[index] = heard.items
            self.ways |= heard.ways
            if earliest:
                log.earliest[index] = earliest
            log.times.extend(times)
            log.calls.append(instance * SETTINGS + settings)  # with this it has happened
            log.declared += len(declared)
            log.inferred += len(earlier) - len(declared)
            if self._story:
                knowledge().call(self._story, log.number, index, heard)
            self._last_user[instance] = user, log.number, index
            _order.last = token

    def _handed_over(self, instance: int, user: threading.Thread) -> tuple[tuple[int, int], ...]:
        """Return the last call of a thread that had ended before another one took its instance over."""
        before = self._last_user.get(instance)
        if before is None or before[0] is user or before[0].is_alive():
            return ()
        return (before[1:],)

    def snapshot(self) -> tuple[ThreadLog, ...]:
        """Return a consistent copy."""
        with self.lock:
            return tuple(
                ThreadLog(
                    log.number,
                    log.calls[:],
                    {index: earlier for index, earlier in log.after.items() if index < len(log)},
                    {index: tick for index, tick in log.earliest.items() if index < len(log)},
                    {index: items for index, items in log.items.items() if index < len(log)},
                    log.times[: 4 * len(log)],
                    log.declared,
                    log.inferred,
                )
                for log in self._threads
            )


def _drop_unfinished(log: ThreadLog, index: int) -> None:
    """Forget what is known of call `index`, which an interrupt kept from being recorded."""
    log.after.pop(index, None)
    log.earliest.pop(index, None)
    log.items.pop(index, None)
    del log.times[4 * index :]


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

    Virtual time knows what threads hand each other through the standard library. A thread that hears of another's
    result some other way (a list both look at, a socket) says so here, before its `run()`; several declarations add up.
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
