"""ByteTrack (Zhang, Sun, Jiang, Yu, Weng, Yuan, Luo, Liu, Wang 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from axelera.runtime.op._tracking._assignment import assign
from axelera.runtime.op._tracking._boxes import overlaps, table
from axelera.runtime.op._tracking._filter import HeightFilter
from axelera.runtime.op._tracking._track import Floats, Parameters, Track, Tracking

# What the authors' program is published with; the vendor names no parameters for these.
SURE, UNSURE, FIRST = 0.5, 0.1, 0.6
"""Scores: of the first matching, of the second, and of a new track."""
MATCH, SECOND_MATCH, YOUNG_MATCH = 0.8, 0.5, 0.7
"""Largest costs: of the first matching, of the second, and of tracks that were seen once."""
SAME = 0.15
"""Tracks whose boxes are closer than this are one."""


@dataclass(frozen=True, slots=True)
class ByteTrackParameters(Parameters):
    """How long a track lives unseen: `track_buffer` frames at 30 frames per second."""

    frame_rate: int = 30
    track_buffer: int = 30


class ByteTrack(Tracking):
    """Sure detections are matched first, and what tracks are left over take unsure ones."""

    parameters = ByteTrackParameters

    def _step(self, boxes: Floats, scores: Floats, parameters: Parameters) -> list[Track]:
        assert isinstance(parameters, ByteTrackParameters)  # noqa: S101
        for track in self._tracks:
            if track.missed:
                cast("HeightFilter", track.filter).stop_growing()
            track.filter.predict()
        known = [track for track in self._tracks if track.confirmed]
        young = [track for track in self._tracks if not track.confirmed]
        sure = [int(place) for place in np.nonzero(scores > SURE)[0]]
        unsure = [int(place) for place in np.nonzero((scores > UNSURE) & (scores <= SURE))[0]]
        known, sure = self._matched(known, sure, boxes, scores, MATCH, weigh=True)
        present = [track for track in known if not track.missed]
        self._matched(present, unsure, boxes, scores, SECOND_MATCH, weigh=False)
        young, sure = self._matched(young, sure, boxes, scores, YOUNG_MATCH, weigh=True)
        for track in known:
            if track.detection < 0:
                track.missed += 1
                track.hits = 0
        fresh = [
            self._new(HeightFilter(boxes[place]), place, float(scores[place]), confirmed=self.frame == 1)
            for place in sure
            if scores[place] >= FIRST
        ]
        patience = int(parameters.frame_rate / 30 * parameters.track_buffer)
        kept = [track for track in self._tracks if track.missed <= patience and track not in young]
        return _distinct([*kept, *fresh])

    def _matched(
        self,
        tracks: list[Track],
        places: list[int],
        boxes: Floats,
        scores: Floats,
        limit: float,
        *,
        weigh: bool,
    ) -> tuple[list[Track], list[int]]:
        """Match some tracks with some detections; return what is left of both. Left tracks have no detection."""
        alike = overlaps(table([track.filter.box for track in tracks]), boxes[places])
        pairs = assign(1 - (alike * scores[places] if weigh else alike), limit)
        for track in tracks:
            track.detection = -1
        for row, column in pairs:
            place = places[column]
            tracks[row].matched(place, boxes[place], float(scores[place]))
            tracks[row].confirmed = True
        rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
        return (
            [track for row, track in enumerate(tracks) if row not in rows],
            [place for column, place in enumerate(places) if column not in columns],
        )


def _distinct(tracks: list[Track]) -> list[Track]:
    """Drop of two tracks in one place, one of them lost, the younger."""
    present = [track for track in tracks if not track.missed]
    lost = [track for track in tracks if track.missed]
    apart = 1 - overlaps(
        table([track.filter.box for track in present]), table([track.filter.box for track in lost])
    )
    dropped = {
        max(present[row].number, lost[column].number)
        for row, column in zip(*np.nonzero(apart < SAME), strict=True)
    }
    return [track for track in tracks if track.number not in dropped]
