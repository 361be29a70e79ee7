"""What all trackers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._tracking._filter import Filter

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Base of the parameters of an algorithm; the defaults are the vendor's."""


@dataclass(slots=True, eq=False)
class Track:
    """One thing through the frames. `detection` is its place in this frame's list, -1 where it was not found."""

    number: int
    filter: Filter
    detection: int
    score: float
    hits: int = 1
    """Frames in a row in which it was found."""
    missed: int = 0
    """Frames since it was found."""
    confirmed: bool = False
    """Whether it is more than a chance."""
    reported: bool = False
    """Whether it was confirmed in an earlier frame."""
    seen: dict[int, Floats] = field(default_factory=dict)
    """What was measured, by frame; only what the algorithm asks for."""

    def matched(self, detection: int, box: Floats, score: float) -> None:
        """Take a detection of this frame."""
        self.filter.update(box, score)
        self.detection, self.score = detection, score
        self.hits += 1
        self.missed = 0

    def passed_over(self) -> None:
        """Note that it was not found in this frame."""
        self.detection = -1
        self.hits = 0
        self.missed += 1


class Tracking(ABC):
    """The tracks of one source of frames."""

    parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self) -> None:
        self.frame = 0
        self._tracks: list[Track] = []
        self._next = 1

    def advance(
        self, boxes: Floats, scores: Floats, parameters: Parameters
    ) -> tuple[list[Track], list[Track]]:
        """Take the detections of the next frame; return the tracks there are, oldest first, and those that ended."""
        self.frame += 1
        before = self._tracks
        for track in before:
            track.reported = track.reported or track.confirmed
        self._tracks = self._step(boxes, scores, parameters)
        kept = {track.number for track in self._tracks}
        return list(self._tracks), [track for track in before if track.number not in kept]

    @abstractmethod
    def _step(self, boxes: Floats, scores: Floats, parameters: Parameters) -> list[Track]: ...

    def _new(self, filter: Filter, detection: int, score: float, *, confirmed: bool) -> Track:  # noqa: A002
        track = Track(self._next, filter, detection, score, confirmed=confirmed)
        self._next += 1
        return track
