"""From snapshots, which count from the start, to rates: since the snapshot before, and overall."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from axemu.emulator.watching import BoardSnapshot, InstanceSnapshot, Snapshot

K = TypeVar("K")

HISTORY = 60
"""Rates that are remembered of each instance."""


@dataclass(frozen=True, slots=True)
class Rates:
    """One context, as of its latest snapshot.

    `window` is how many board seconds the rates are of: those since the snapshot before that had any, else all.
    `fps` (frames per second of board time) and `history` (of `fps`, the oldest first) go by the instance's id; `shares` of the
    window that a unit was busy, and `bytes_per_second`, by board and unit, such as ("metis-0:1:0", "core2") or "ddr".
    """

    snapshot: Snapshot
    window: float
    fps: dict[int, float]
    mean_fps: dict[int, float]
    history: dict[int, Sequence[float]]
    shares: dict[tuple[str, str], float]
    bytes_per_second: dict[tuple[str, str], float]


class Track:
    """Follows the snapshots of one context."""

    def __init__(self) -> None:
        self.latest: Rates | None = None
        self._history: dict[int, deque[float]] = {}

    def follow(self, snapshot: Snapshot) -> Rates:
        """Take the next snapshot in; one that was seen already, or is older, changes nothing."""
        before = self.latest
        if before is not None and snapshot.at <= before.snapshot.at:
            return before
        earlier = before.snapshot if before is not None else None
        window = snapshot.elapsed_s - (earlier.elapsed_s if earlier else 0.0)
        if (
            before is not None and window <= 0 and snapshot.pace == "virtual"
        ):  # time stands still without calls
            self.latest = replace(before, snapshot=snapshot)
            return self.latest
        fps = _rates(_frames(snapshot), _frames(earlier), window)
        for number, rate in fps.items():
            self._history.setdefault(number, deque(maxlen=HISTORY)).append(rate)
        self.latest = Rates(
            snapshot=snapshot,
            window=max(window, 0.0),
            fps=fps,
            mean_fps=_rates(_frames(snapshot), {}, snapshot.elapsed_s),
            history={number: tuple(self._history[number]) for number in fps},
            shares=_rates(_busy(snapshot), _busy(earlier), window),
            bytes_per_second=_rates(_bytes(snapshot), _bytes(earlier), window),
        )
        return self.latest


class Tracks:
    """Follows all contexts."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[int, int], Track] = {}

    def follow(self, snapshots: Iterable[Snapshot]) -> list[Rates]:
        """Take in what there is now; return all of it. Contexts that are not there any more are forgotten."""
        found = list(snapshots)
        self._tracks = {one.source: self._tracks.get(one.source, Track()) for one in found}
        return [self._tracks[one.source].follow(one) for one in found]


def _rates(now: dict[K, float], before: dict[K, float], window: float) -> dict[K, float]:
    """Return how much each amount grew per second of the window."""
    if window <= 0:
        return dict.fromkeys(now, 0.0)
    return {key: max(0.0, amount - before.get(key, 0.0)) / window for key, amount in now.items()}


def _frames(snapshot: Snapshot | None) -> dict[int, float]:
    instances: Sequence[InstanceSnapshot] = snapshot.instances if snapshot else ()
    return {one.id: one.frames for one in instances}


def _busy(snapshot: Snapshot | None) -> dict[tuple[str, str], float]:
    boards: Sequence[BoardSnapshot] = snapshot.boards if snapshot else ()
    found = {
        (board.name, f"core{number}"): core.busy_s
        for board in boards
        for number, core in enumerate(board.cores)
    }
    found |= {(board.name, unit): one.busy_s for board in boards for unit, one in board.channels.items()}
    return found


def _bytes(snapshot: Snapshot | None) -> dict[tuple[str, str], float]:
    boards: Sequence[BoardSnapshot] = snapshot.boards if snapshot else ()
    return {(board.name, unit): one.bytes_moved for board in boards for unit, one in board.channels.items()}
