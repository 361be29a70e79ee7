"""What the native driver hands out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from axemu.driver._driver import Handle


@dataclass(slots=True, eq=False)
class NativeConnection(Handle):
    """Cores of a card; `pointer` is None once they were given back."""

    device: str
    pointer: Any
    instances: list[NativeInstance] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(slots=True, eq=False)
class NativeInstance(Handle):
    """A model on a card, with the times of its calls on the host's clock."""

    connection: NativeConnection
    name: str
    pointer: Any
    model: Any
    lock: threading.RLock = field(default_factory=threading.RLock)
    running: bool = False
    later: list[Callable[[], None]] = field(default_factory=list)
    """What a signal handler wanted released while its own thread was in a frame."""
    frames: int = 0
    busy: float = 0.0
    first: float = 0.0
    last: float = 0.0

    def count(self, began: float) -> None:
        """Take note of a frame that began then and ends now."""
        now = time.perf_counter()
        if not self.frames:
            self.first = began
        self.frames += 1
        self.busy += now - began
        self.last = now
