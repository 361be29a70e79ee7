"""Handles whose owner was dropped are freed at the next call, whichever thread makes it."""

from collections import deque

import pytest

from axelera.runtime._context import _free_dropped
from axemu.driver import FunctionDriver, Handle, InternalError


class Contested(deque[Handle]):
    """Another thread is always a moment faster."""

    def __getitem__(self, index: object) -> Handle:
        self.clear()
        raise IndexError(index)


def test_a_handle_that_another_thread_took_is_its_business() -> None:
    dropped = Contested([Handle()])
    _free_dropped(FunctionDriver(), dropped)
    assert not dropped


class Failing(FunctionDriver):
    """Cannot release anything."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def release(self, _handle: Handle) -> None:
        raise self.error


def test_a_handle_whose_release_fails_is_not_tried_for_ever() -> None:
    dropped = deque([Handle()])
    with pytest.raises(InternalError, match="releasing what was dropped"):
        _free_dropped(Failing(RuntimeError), dropped)
    assert not dropped


def test_a_handle_whose_release_was_interrupted_is_released_later() -> None:
    dropped = deque([Handle()])
    with pytest.raises(KeyboardInterrupt):
        _free_dropped(Failing(KeyboardInterrupt), dropped)
    _free_dropped(FunctionDriver(), dropped)
    assert not dropped
