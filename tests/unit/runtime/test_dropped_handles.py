"""Handles whose owner was dropped are freed at the next call, whichever thread makes it."""

from collections import deque

from axelera.runtime._context import _free_dropped
from axemu.driver import FunctionDriver, Handle


class Contested(deque[Handle]):
    """Another thread is always a moment faster."""

    def popleft(self) -> Handle:
        self.clear()
        return super().popleft()


def test_a_handle_that_another_thread_took_is_its_business() -> None:
    dropped = Contested([Handle()])
    _free_dropped(FunctionDriver(), dropped)
    assert not dropped
