"""Recordings: a snapshot per line, as JSON, in the order in which they came."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import JSON_TEXT, open_without_waiting
from axemu.emulator.watching import Snapshot, parse_snapshot
from axemu.monitor._track import Rates, Tracks

MOST_LINES = 1_000_000
MOST_REPLAYED = 20_000
"""Snapshots that a replay keeps in memory."""
AFTERWARDS = 5.0
"""Seconds that a replay shows a context after its end."""


class Recorder:
    """Writes snapshots to a new file, each once and at once, so that whatever ends the program leaves whole lines.

    Raises:
        InvalidArgument: the file exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._last: dict[tuple[int, int], float] = {}
        if path.exists():
            raise InvalidArgument(f"{path} exists; remove it, or name another file with --data-file")
        with path_errors(InvalidArgument, path):
            self._file = path.open("x", encoding="utf-8")

    def take(self, snapshots: Iterable[Snapshot]) -> None:
        """Write those that were not written yet.

        Raises:
            InvalidArgument: the file cannot be written.
        """
        with path_errors(InvalidArgument, self._path):
            for one in snapshots:
                if one.at > self._last.get(one.source, -1.0):
                    self._last[one.source] = one.at
                    self._file.write(one.model_dump_json() + "\n")
                    self.count += 1
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_recording(path: Path) -> Iterator[Snapshot]:
    """Yield the snapshots of a recording; what stands behind the last end of a line was never finished and is left out.

    Raises:
        InvalidArgument: the file cannot be read, or a line of it is no snapshot; names the line.
    """
    with path_errors(InvalidArgument, path), open(path, "rb", opener=open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InvalidArgument(f"{path} is not a regular file; give the file itself")
        number = 0
        while (line := file.readline(JSON_TEXT.size + 2)).endswith(b"\n") or len(line) > JSON_TEXT.size:
            number += 1
            if number > MOST_LINES:
                raise InvalidArgument(f"{path} has more than {MOST_LINES} lines; cut it into parts")
            try:
                snapshot = parse_snapshot(line)
            except ValueError as error:
                raise InvalidArgument(
                    f"{path}, line {number}: {error}; `axmonitor --record` writes such files"
                ) from error
            yield snapshot


class Replay:
    """A recording, moment by moment; moments are seconds since 1970, as its snapshots have them.

    Raises:
        InvalidArgument: there is no snapshot in it, or there are too many to keep.
    """

    def __init__(self, snapshots: Iterable[Snapshot], name: str) -> None:
        kept: list[Snapshot] = []
        for one in snapshots:
            kept.append(one)
            if len(kept) > MOST_REPLAYED:
                raise InvalidArgument(
                    f"{name} has more than {MOST_REPLAYED} snapshots; replay a part of it: head -n {MOST_REPLAYED} FILE"
                )
        if not kept:
            raise InvalidArgument(
                f"{name} holds no snapshot: no program ran frames on emulated boards meanwhile"
            )
        self._snapshots: Sequence[Snapshot] = sorted(kept, key=lambda one: one.at)
        self._tracks = Tracks()
        self._next = 0
        self._present: dict[tuple[int, int], Snapshot] = {}

    @property
    def moments(self) -> list[float]:
        """When the snapshots were taken, in order."""
        return [one.at for one in self._snapshots]

    def at(self, moment: float) -> list[Rates]:
        """Return what one saw then."""
        if self._next and self._snapshots[self._next - 1].at > moment:
            self._tracks, self._next, self._present = Tracks(), 0, {}
        found = self._tracks.follow(self._present.values())
        while self._next < len(self._snapshots) and self._snapshots[self._next].at <= moment:
            one = self._snapshots[self._next]
            self._present[one.source] = one
            self._next += 1
            found = self._tracks.follow(self._present.values())
        return [one for one in found if not one.snapshot.ended or moment - one.snapshot.at <= AFTERWARDS]
