"""What each thread has heard of: the calls of others that came before what it does next.

A thread that hands something over hands on what it knows; who takes it has then heard of the same calls. So the order
that a program's own waiting imposes becomes visible, whatever the host's scheduler made of the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


class Story:
    """Names a log of calls whose order is of interest for as long as it is `open`."""

    __slots__ = ("latest", "open")

    def __init__(self) -> None:
        self.open = True
        self.latest: dict[int, tuple[int, Mapping[int, int]]] = {}
        """By thread, the index of its last call, and the last calls of other threads that this one came after."""


Stamp = Mapping[tuple[Story, int], int]
"""By log and thread, the last call that has been heard of."""

NOTHING: Stamp = {}
ITEMS = 64
"""Of how many queues, the latest ones, a thread remembers the last item until it calls something."""
_ATTRIBUTE = "_axemu_knowledge"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call came after: calls (thread, index), items (queue, place in its order) taken before it, and the ways."""

    calls: tuple[tuple[int, int], ...]
    items: tuple[tuple[int, int], ...]
    ways: frozenset[str]


UNHEARD = Heard((), (), frozenset())


@dataclass(slots=True)
class Knowledge:
    """What one thread knows: calls heard of since its last one and how, its own last ones, and items taken since."""

    heard: dict[tuple[Story, int], int] = field(default_factory=dict)
    own: dict[tuple[Story, int], int] = field(default_factory=dict)
    items: dict[int, int] = field(default_factory=dict)
    ways: dict[Story, frozenset[str]] = field(default_factory=dict)

    def stamp(self) -> Stamp:
        """Return what goes along with what the thread hands over now."""
        return merged(self.heard, self.own)

    def hear(self, stamp: Stamp, way: str) -> None:
        """Take what came along with something."""
        news = {key: index for key, index in stamp.items() if key not in self.own}
        for story, _ in news:
            self.ways[story] = self.ways.get(story, frozenset()) | {way}
        if news:
            self.heard = merged(self.heard, news)
            for (story, thread), index in news.items():
                self._drop_implied(story, thread, index)

    def _drop_implied(self, story: Story, thread: int, index: int) -> None:
        """Forget calls that a call came after: else a program with a thread for each frame would hand on all it ever had."""
        last, earlier = story.latest.get(thread, (-1, {}))
        if last == index and len(self.heard) > 1:
            self.heard = {
                (where, other): call
                for (where, other), call in self.heard.items()
                if where is not story or call > earlier.get(other, -1)
            }

    def take(self, queue: int, place: int) -> None:
        """Remember an item; what its taker calls until it takes the next one belongs to it."""
        self.items.pop(queue, None)
        self.items[queue] = place
        if len(self.items) > ITEMS:  # a queue for each answer, say, in a thread that calls nothing
            del self.items[next(iter(self.items))]

    def before(self, story: Story) -> Heard:
        """Return what a call made now comes after."""
        calls = tuple((other, last) for (where, other), last in self.heard.items() if where is story)
        return Heard(calls, tuple(self.items.items()), self.ways.get(story, frozenset()))

    def call(self, story: Story, thread: int, index: int, heard: Heard) -> None:
        """Note a call of the thread, once it has happened, and what it came after."""
        _, earlier = story.latest.get(thread, (-1, {}))
        story.latest[thread] = index, {**earlier, **dict(heard.calls)}
        self.heard = {key: last for key, last in self.heard.items() if key[0] is not story}
        self.own = {**merged(self.own, NOTHING), (story, thread): index}
        self.items = {}
        self.ways = {other: ways for other, ways in self.ways.items() if other.open and other is not story}


def merged(first: Stamp, second: Stamp) -> dict[tuple[Story, int], int]:
    """Return what both say of logs that are still of interest."""
    both = {key: index for key, index in first.items() if key[0].open}
    for key, index in second.items():
        if key[0].open:
            both[key] = max(index, both.get(key, -1))
    return both


def knowledge(thread: threading.Thread | None = None) -> Knowledge:
    """Return what a thread knows, by default the calling one.

    A thread that `threading` does not know (yet) knows nothing, and nothing of it is kept.
    """
    # `current_thread` makes an object where there is none, by way of an event that is watched.
    active: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]  # noqa: SLF001
    thread = thread or active.get(threading.get_ident())
    known: Knowledge | None = getattr(thread, _ATTRIBUTE, None)
    if known is None:
        known = Knowledge()
        if thread is not None:
            setattr(thread, _ATTRIBUTE, known)
    return known
