"""The order of frames, for operators that remember earlier ones while several frames are in flight."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from axelera.runtime.op._core import Operator


class Ordered(Operator):
    """An operator whose calls come in the order of the frames, one at a time."""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until every earlier frame has been here, or has ended without coming here."""
        turn = _turn.get()
        if turn is None:
            yield
            return
        turn.turns.wait(self, turn.frame)
        try:
            yield
        finally:
            turn.turns.passed(self, turn.frame)


class Turns:
    """How far the frames of a stream have come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next: defaultdict[int, int] = defaultdict(int)
        """The first frame that has not been at an operator, by identity."""
        self._ended: set[int] = set()
        self._all_ended = 0
        """All frames before this one have ended."""

    def wait(self, operator: Operator, frame: int) -> None:
        """Return when every frame before this one has been at the operator, or has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._first(operator) >= frame)

    def _first(self, operator: Operator) -> int:
        first = max(self._next[id(operator)], self._all_ended)
        while first in self._ended:
            first += 1
        self._next[id(operator)] = first
        return first

    def passed(self, operator: Operator, frame: int) -> None:
        """Note that a frame was at an operator."""
        with self._changed:
            self._next[id(operator)] = max(self._next[id(operator)], frame + 1)
            self._changed.notify_all()

    def ended(self, frame: int) -> None:
        """Note that a frame comes to no operator any more: it has its result, failed, or was given up."""
        with self._changed:
            self._ended.add(frame)
            while self._all_ended in self._ended:
                self._ended.remove(self._all_ended)
                self._all_ended += 1
            if self._next:  # else nobody has ever waited
                self._changed.notify_all()


class Turn(NamedTuple):
    """The frame that this thread works on."""

    turns: Turns
    frame: int

    def end(self) -> None:
        """Note that the frame has ended."""
        self.turns.ended(self.frame)


_turn: ContextVar[Turn | None] = ContextVar("axelera.runtime.op turn", default=None)


def work_on(turn: Turn, work: Callable[[], Any]) -> Any:
    """Work on a frame of a stream."""
    token = _turn.set(turn)
    try:
        return work()
    finally:
        _turn.reset(token)
