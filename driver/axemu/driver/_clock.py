"""When the next frame may arrive, in the time of the boards."""

from __future__ import annotations

import time


class Clock:
    """The clock that the times of a driver's boards are in: here the host's, which begins at the first call.

    A driver whose boards keep a time of their own brings another.
    """

    def __init__(self) -> None:
        self._start: float | None = None

    def wait_until(self, seconds: float) -> None:
        """Let the calling thread's next frame arrive no earlier than `seconds` after the clock's beginning."""
        now = time.monotonic()
        if self._start is None:
            self._start = now
        time.sleep(max(0.0, self._start + seconds - now))
