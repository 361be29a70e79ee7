"""Looking at the boards of other processes."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Self

from axemu.chip import load_calibration
from axemu.driver import ConnectionError, Holder, holders  # noqa: A004
from axemu.driver.bounded import JSON_TEXT
from axemu.emulator._boards import SettingsTable, make_boards
from axemu.emulator._configuration import load_options
from axemu.emulator._watching_place import MARK, SNAPSHOT, open_place, touch
from axemu.emulator.faults import FaultLog
from axemu.emulator.watching._snapshot import Snapshot, parse_snapshot

MOST_CONTEXTS = 256
PATIENCE = 5.0
"""Seconds that a snapshot may be overdue before its process is taken to be gone."""


class Watcher:
    """Asks all processes of this user for snapshots while it looks at least every few seconds.

    Raises:
        ConnectionError: the directory of the reservations cannot be opened.
    """

    def __init__(self) -> None:
        try:
            self._place = open_place()
            touch(self._place)
        except OSError as error:
            raise ConnectionError(
                f"cannot watch in {error.filename}: {error.strerror}; set AXEMU_RUNTIME_DIR to the directory that the "
                "watched programs use"
            ) from error
        options, sources = load_options()
        where = " and ".join(sources) or "defaults"
        calibration = load_calibration(None, options.sdk)  # of boards whose names alone matter
        boards = make_boards(options, SettingsTable(), FaultLog(), where, calibration)
        self._boards = [board.name for board in boards]

    def look(self) -> tuple[Snapshot, ...]:
        """Return the latest snapshot of each context, ordered by process; files that hold none are passed over.

        Raises:
            OSError: the directory has gone, or somebody else has taken it.
        """
        touch(self._place)
        found = []
        for name in self._names():
            snapshot = self._read(name)
            if snapshot is None:
                continue
            late = time.time() - snapshot.at - (0 if snapshot.ended else 2 * snapshot.every)
            if late > PATIENCE:  # its process has ended, perhaps by force; one that is only slow writes again
                self._place.remove(name)
            else:
                found.append(snapshot)
        return tuple(sorted(found, key=lambda one: one.source))

    def held(self) -> dict[str, tuple[Holder, ...]]:
        """Return who holds cores of each board that this process's configuration names."""
        return {board: holders(board) for board in self._boards}

    def close(self) -> None:
        """Watch no longer, and remove what ended programs left; another watcher marks again."""
        self._place.remove(MARK)
        for name in self._names():
            if (snapshot := self._read(name)) is not None and snapshot.ended:
                self._place.remove(name)
        self._place.close()

    def _names(self) -> list[str]:
        names = os.listdir(self._place.descriptor)  # noqa: PTH208  of the directory that is open
        return sorted(name for name in names if SNAPSHOT.fullmatch(name))[:MOST_CONTEXTS]

    def _read(self, name: str) -> Snapshot | None:
        try:
            with os.fdopen(self._place.open(name, os.O_RDONLY), "rb") as file:
                return parse_snapshot(file.read(JSON_TEXT.size + 1))
        except (OSError, ValueError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
