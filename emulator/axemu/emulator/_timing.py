"""What happened on the simulated boards, sorted by instance; and our types as the timing model takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.chip import TICKS_PER_SECOND, Calibration
from axemu.emulator._boards import EmulatedBoard, Settings
from axemu.emulator._log import SETTINGS, ThreadLog
from axemu.emulator.metis import Board, BoardState, InstanceSpec, Timeline

Ticks = npt.NDArray[np.int64]


def machine_boards(boards: Sequence[EmulatedBoard], calibration: Calibration) -> tuple[Board, ...]:
    """Return the boards as the timing model takes them."""
    return tuple(
        Board(
            figures=board.figures,
            host=board.host,
            calibration=calibration,
            upstream_group=board.upstream_group,
        )
        for board in boards
    )


def board_state(settings: Settings) -> BoardState:
    """Return settings as the timing model takes them."""
    return BoardState(
        settings.clock_mhz, settings.mvm_percent, settings.link_percent / 100, settings.link_stall_us / 1e6
    )


@dataclass(frozen=True, slots=True)
class Frames:
    """Times of one instance's calls, in ticks, ordered by completion; `began` is when the board began to execute.

    `submitted` is when the frame that a call returned had arrived: with double buffering two calls before it; the two
    warm-up calls are left out of it.
    """

    arrival: Ticks
    began: Ticks
    device: Ticks
    completion: Ticks
    double_buffer: bool

    @property
    def count(self) -> int:
        """Number of calls."""
        return len(self.arrival)

    @property
    def elapsed(self) -> int:
        """First arrival to last completion."""
        return int(self.completion[-1] - self.arrival[0]) if self.count else 0

    @property
    def host(self) -> Ticks:
        """Duration of each call as the driver sees it."""
        return self.completion - self.arrival

    @property
    def executed(self) -> Ticks:
        """Time on the board of each call that executed a frame; empty before a double-buffered instance's second."""
        return self.device[self.device > 0]

    @property
    def latency(self) -> Ticks:
        """From submitting a frame to holding its result."""
        late = 2 if self.double_buffer else 0
        return (
            self.completion[late:] - self.arrival[: self.count - late] if self.count > late else self.host[:0]
        )


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that happened on the boards of a context, in simulated time; `streams` are the calls of each thread."""

    timeline: Timeline
    frames: Mapping[int, Frames]
    streams: tuple[Frames, ...]
    elapsed: int
    threads: int
    declared: int
    inferred: int = 0
    """Calls that others were found to wait for."""
    ways: tuple[str, ...] = ()
    """What the threads handed each other results through."""
    shared_queues: int = 0
    """Queues of which several threads take their work."""


def collect(
    timeline: Timeline,
    logs: Sequence[ThreadLog],
    times: Sequence[Ticks],
    instances: Sequence[InstanceSpec],
    ways: Collection[str] = (),
    shared_queues: int = 0,
) -> Record:
    """Sort the times of all threads' calls by instance; `times` has (calls, 4) ticks per thread."""
    calls = [np.frombuffer(log.calls, np.uint64) for log in logs]
    who = np.concatenate([np.empty(0, np.uint64), *calls]) // np.uint64(SETTINGS)
    when = np.concatenate([*times, np.empty((0, 4), np.int64)])
    frames = {}
    for spec in instances:
        own = when[who == spec.id]
        frames[spec.id] = _frames(own[np.argsort(own[:, 3], kind="stable")], spec.double_buffer)
    streams = tuple(_frames(own, double_buffer=False) for own in times if len(own))
    elapsed = int(when[:, 3].max()) if len(when) else 0
    return Record(
        timeline,
        frames,
        streams,
        elapsed,
        len(logs),
        declared=sum(log.declared for log in logs),
        inferred=sum(log.inferred for log in logs),
        ways=tuple(sorted(ways)),
        shared_queues=shared_queues,
    )


def _frames(times: Ticks, double_buffer: bool) -> Frames:
    return Frames(times[:, 0], times[:, 1], times[:, 2] - times[:, 1], times[:, 3], double_buffer)


def seconds(ticks: float) -> float:
    """Return ticks of the simulated clock as seconds."""
    return float(ticks) / TICKS_PER_SECOND
