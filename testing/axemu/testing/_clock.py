"""The clock of a context's boards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axelera.runtime import Context, ModelInstance


class Clock:
    """Tells and holds back time as the boards have it."""

    def __init__(self, context: Context) -> None:
        self._clock = context._driver.clock  # noqa: SLF001  the one way to it

    def wait_until(self, seconds: float) -> None:
        """Let the calling thread's next frame arrive no earlier than `seconds` after the clock's beginning."""
        self._clock.wait_until(seconds)

    def elapsed(self, instance: ModelInstance) -> float:
        """Return the seconds from the first arrival to the last completion of an instance's frames."""
        return instance.counters().elapsed
