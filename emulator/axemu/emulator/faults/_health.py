"""Whether a board answers, for all processes of a user: one word in a file beside the board's reservations.

The word is the number of the board's last start, and what became of it since. A connection remembers the start it was made
after; when the board was lost, and recovered, it is another one, and what was connected before stays dead.
"""

from __future__ import annotations

import enum
import fcntl
import mmap
import os
import re
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from axemu.driver import ConnectionError, PrivateDirectory, reservation_directory  # noqa: A004

_SIZE = 8
_STATES = 4


class State(enum.IntEnum):
    """What became of a board since its last start."""

    OK = 0
    LOST = 1
    HUNG = 2
    STUCK = 3
    """A configuration never ends; what is loaded goes on."""


_SAYS = {
    State.LOST: "the device is lost (0x70000001, ZE_RESULT_ERROR_DEVICE_LOST)",
    State.HUNG: "the firmware does not answer",
}
_changing = threading.Lock()  # closing a descriptor of a file drops this process's locks on it


class Health:
    """The state of one board, shared by the processes of a user; its file is opened when it is first asked for.

    Raises:
        ConnectionError: from every property and method, the file cannot be opened.
    """

    def __init__(self, board: str) -> None:
        self._board = board
        self._name = re.sub(r"[^A-Za-z0-9_.-]", "_", board)[:200] + ".health"

    @cached_property
    def _words(self) -> memoryview:
        with _changing:
            descriptor = self._open()
            try:
                if os.fstat(descriptor).st_size < _SIZE:
                    os.ftruncate(descriptor, _SIZE)
                return memoryview(mmap.mmap(descriptor, _SIZE)).cast("Q")
            finally:
                os.close(descriptor)

    @cached_property
    def _directory(self) -> Path:
        return reservation_directory()

    @property
    def word(self) -> int:
        """Start and state as one number."""
        return int(self._words[0])

    @property
    def state(self) -> State:
        """What became of the board since its last start."""
        return State(self.word % _STATES)

    def fail(self, state: State) -> None:
        """Let the board be in `state`, unless something worse was first."""
        self._change(
            lambda word: word - word % _STATES + state if word % _STATES in (0, State.STUCK) else word
        )

    def recover(self) -> None:
        """Start the board anew if anything is the matter with it."""
        self._change(lambda word: word - word % _STATES + _STATES if word % _STATES else word)

    def require_answer(self, since: int | None = None) -> None:
        """Refuse work on a board that does not answer, or that was started anew after `since`, a word.

        Raises:
            ConnectionError: says what became of the board and how to recover it.
        """
        word = self.word
        if word == since:
            return
        if (state := State(word % _STATES)) in _SAYS:
            raise self.error(state)
        if since is not None and word // _STATES != since // _STATES:
            raise ConnectionError(
                f"{self._board}: the device was started anew after this connection was made; connect again"
            )

    def error(self, state: State) -> ConnectionError:
        """Return what an application sees of a board in `state`."""
        return ConnectionError(
            f"{self._board}: {_SAYS[state]}; refresh it (axdevice --refresh, or configure_device with device_firmware=1), then "
            "connect again"
        )

    def _change(self, change: Callable[[int], int]) -> None:
        words = self._words  # first: making them closes a descriptor
        with _changing:
            descriptor = self._open()
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX)
                words[0] = change(words[0])
            finally:
                os.close(descriptor)

    def _open(self) -> int:
        try:
            with PrivateDirectory(self._directory) as directory:
                return directory.open(self._name, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise ConnectionError(
                f"{self._board}: cannot open {self._directory / self._name}: {error.strerror or error}; remove it, or set "
                "AXEMU_RUNTIME_DIR to another directory"
            ) from error
