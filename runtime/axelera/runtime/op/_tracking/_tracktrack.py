"""TrackTrack (Shim, Ko, Yang, Kim 2025), without appearance and camera motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axelera.runtime.op._tracking._assignment import Pairs
from axelera.runtime.op._tracking._boxes import heights_shared, overlaps, table
from axelera.runtime.op._tracking._filter import SizeFilter
from axelera.runtime.op._tracking._track import Floats, Parameters, Track, Tracking
from axemu.driver import NotImplemented  # noqa: A004

_TAKEN = 2.0
"""A cost that no threshold reaches."""


@dataclass(frozen=True, slots=True)
class TrackTrackParameters(Parameters):
    """The vendor's parameters. `penalty_q` is of boxes that `nms` dropped, which a tracker is not given; `alpha` of appearance."""

    det_thr: float = 0.6
    init_thr: float = 0.6
    match_thr: float = 0.8
    tai_thr: float = 0.55
    penalty_p: float = 0.2
    penalty_q: float = 0.4
    reduce_step: float = 0.05
    max_time_lost: int = 30
    min_len: int = 3
    min_box_area: float = 100
    alpha: float = 0.95
    use_cmc: bool = True
    use_aflink: bool = False
    aflink_model: str = ""
    dataset_type: str = "MOT"

    def __post_init__(self) -> None:
        """Refuse what the vendor refuses, and a threshold that never falls."""
        if self.use_aflink:
            raise NotImplemented(  # noqa: F901  the documented exception
                "tracker: use_aflink=True works on whole recordings; the vendor refuses it, too"
            )
        if not 0 < self.reduce_step <= 1:
            raise ValueError(f"tracker: reduce_step is {self.reduce_step}; give more than 0, and 1 at most")


class TrackTrack(Tracking):
    """Track and detection are matched if each is the other's best, at a threshold that falls from round to round."""

    parameters = TrackTrackParameters

    def _step(self, boxes: Floats, scores: Floats, parameters: Parameters) -> list[Track]:
        assert isinstance(parameters, TrackTrackParameters)  # noqa: S101
        for track in self._tracks:
            track.filter.predict()
        predicted = table([track.filter.box for track in self._tracks])
        sure = scores > parameters.det_thr
        costs = 1 - overlaps(predicted, boxes) * heights_shared(predicted, boxes)
        pairs = _rounds(np.clip(costs + parameters.penalty_p * ~sure, 0, 1), parameters)
        for row, place in pairs:
            self._tracks[row].matched(place, boxes[place], float(scores[place]))
        for row in {*range(len(self._tracks))} - {row for row, _ in pairs}:
            self._tracks[row].passed_over()
        kept = [
            track
            for track in self._tracks
            if track.missed <= (parameters.max_time_lost if track.reported or track.confirmed else 0)
        ]
        for track in kept:
            track.confirmed |= track.hits >= parameters.min_len
        return [*kept, *self._begun(kept, boxes, scores, {place for _, place in pairs}, parameters)]

    def _begun(
        self,
        tracks: list[Track],
        boxes: Floats,
        scores: Floats,
        taken: set[int],
        parameters: TrackTrackParameters,
    ) -> list[Track]:
        """Begin tracks with the surest boxes that lie on no track that is there, nor on each other."""
        there = [track.filter.box for track in tracks if not track.missed]
        fresh = []
        for place in np.argsort(-scores, kind="stable").tolist():
            if place in taken or scores[place] <= parameters.init_thr:
                continue
            if (overlaps(boxes[place : place + 1], table(there)) > parameters.tai_thr).any():
                continue
            there.append(boxes[place])
            fresh.append(
                self._new(SizeFilter(boxes[place]), place, float(scores[place]), confirmed=self.frame == 1)
            )
        return fresh


def _rounds(costs: Floats, parameters: TrackTrackParameters) -> Pairs:
    pairs: Pairs = []
    left, limit = costs.copy(), parameters.match_thr
    while left.size and limit > 0:
        rows, columns = left.argmin(axis=1), left.argmin(axis=0)
        found = [
            (row, int(column))
            for row, column in enumerate(rows)
            if columns[column] == row and left[row, column] < limit
        ]
        if not found:
            break
        for row, column in found:
            left[row, :] = left[:, column] = _TAKEN
        pairs += found
        limit -= parameters.reduce_step
    return sorted(pairs)
