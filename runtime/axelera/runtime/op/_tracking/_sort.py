"""SORT (Bewley, Ge, Ott, Ramos, Upcroft 2016)."""

from __future__ import annotations

from dataclasses import dataclass

from axelera.runtime.op._tracking._assignment import assign
from axelera.runtime.op._tracking._boxes import overlaps, table
from axelera.runtime.op._tracking._filter import AreaFilter
from axelera.runtime.op._tracking._track import Floats, Parameters, Track, Tracking


@dataclass(frozen=True, slots=True)
class SortParameters(Parameters):
    """Frames a track lives unseen, frames in a row before it is reported, and the least overlap of a match."""

    max_age: int = 30
    min_hits: int = 3
    iou_threshold: float = 0.3


class Sort(Tracking):
    """Predicted boxes are matched with what overlaps them most."""

    parameters = SortParameters

    def _step(self, boxes: Floats, scores: Floats, parameters: Parameters) -> list[Track]:
        assert isinstance(parameters, SortParameters)  # noqa: S101
        for track in self._tracks:
            track.filter.predict()
        predicted = table([track.filter.box for track in self._tracks])
        pairs = assign(1 - overlaps(predicted, boxes), 1 - parameters.iou_threshold)
        for row, place in pairs:
            self._tracks[row].matched(place, boxes[place], float(scores[place]))
        for row in {*range(len(self._tracks))} - {row for row, _ in pairs}:
            self._tracks[row].passed_over()
        found = {place for _, place in pairs}
        fresh = [
            self._new(AreaFilter(box), place, float(scores[place]), confirmed=False)
            for place, box in enumerate(boxes)
            if place not in found
        ]
        return self._judged([*self._tracks, *fresh], parameters)

    def _judged(self, tracks: list[Track], parameters: SortParameters) -> list[Track]:
        """Confirm tracks, at first all, and end old ones."""
        for track in tracks:
            track.confirmed = not track.missed and (
                track.hits >= parameters.min_hits or self.frame <= parameters.min_hits
            )
        return [track for track in tracks if track.missed <= parameters.max_age]
