"""OC-SORT (Cao, Pang, Weng, Khirodkar, Kitani 2023)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from axelera.runtime.op._tracking._assignment import Pairs, assign
from axelera.runtime.op._tracking._boxes import overlaps, table
from axelera.runtime.op._tracking._filter import AreaFilter
from axelera.runtime.op._tracking._sort import Sort, SortParameters
from axelera.runtime.op._tracking._track import Floats, Parameters, Track
from axemu.driver import NotImplemented  # noqa: A004


@dataclass(frozen=True, slots=True)
class OcSortParameters(SortParameters):
    """The vendor's parameters. Those after `inertia` belong to appearance, camera motion and recovery, which are not here."""

    det_thresh: float = 0.0
    delta: int = 3
    inertia: float = 0.2
    w_assoc_emb: float = 0.75
    alpha_fixed_emb: float = 0.95
    max_id: int = 0
    aw_enabled: bool = False
    aw_param: float = 0.5
    cmc_enabled: bool = False
    enable_id_recovery: bool = False
    rec_image_rect_margin: float = 20
    rec_track_min_time_since_update_at_boundary: int = 6
    rec_track_min_time_since_update_inside: int = 300
    rec_track_min_age: int = 30
    rec_track_merge_lap_thresh: float = 0.09
    rec_track_memory_capacity: int = 1000
    rec_track_memory_max_age: int = 54000

    def __post_init__(self) -> None:
        """Refuse what nothing published explains."""
        for name in ("max_id", "aw_enabled", "cmc_enabled", "enable_id_recovery"):
            if getattr(self, name):
                raise NotImplemented(  # noqa: F901  the documented exception
                    f"tracker: {name}={getattr(self, name)!r} of oc-sort is not here: only its name and default are published"
                )


class OcSort(Sort):
    """SORT that trusts what was measured: direction counts, and what is found again is filtered again."""

    parameters = OcSortParameters

    def __init__(self) -> None:
        super().__init__()
        self._frozen: dict[int, AreaFilter] = {}
        """Filters as they were when their tracks were last seen, by number."""

    def _step(self, boxes: Floats, scores: Floats, parameters: Parameters) -> list[Track]:
        assert isinstance(parameters, OcSortParameters)  # noqa: S101
        tracks = self._tracks
        for track in tracks:
            track.filter.predict()
        places = [int(place) for place in np.nonzero(scores > parameters.det_thresh)[0]]
        chosen, weights = boxes[places], scores[places]
        alike = overlaps(table([track.filter.box for track in tracks]), chosen)
        costs = 1 - alike - parameters.inertia * weights * self._agreement(chosen, parameters.delta)
        limit = 1 - parameters.iou_threshold
        # Direction decides between boxes that overlap enough; it makes no match of its own.
        pairs = assign(np.where(alike > parameters.iou_threshold, costs - limit, 0.0), 0.0)
        pairs += self._found_again(pairs, chosen, limit)
        for row, column in pairs:
            self._take(tracks[row], places[column], chosen[column], float(weights[column]), parameters.delta)
        for row in {*range(len(tracks))} - {row for row, _ in pairs}:
            tracks[row].passed_over()
        taken = {column for _, column in pairs}
        fresh = [
            self._begun(place, boxes[place], float(scores[place]))
            for column, place in enumerate(places)
            if column not in taken
        ]
        kept = self._judged([*tracks, *fresh], parameters)
        self._frozen = {track.number: self._frozen[track.number] for track in kept}
        return kept

    def _begun(self, place: int, box: Floats, score: float) -> Track:
        made = AreaFilter(box)
        track = self._new(made, place, score, confirmed=False)
        track.seen[self.frame] = box
        self._frozen[track.number] = made.copy()
        return track

    def _agreement(self, boxes: Floats, delta: int) -> Floats:
        """Return how well the way to each box agrees with the way each track went, -0.5 to 0.5; 0 where none is known."""
        result = np.zeros((len(self._tracks), len(boxes)))
        for row, track in enumerate(self._tracks):
            last = track.seen[max(track.seen)]
            earlier = _before(track.seen, max(track.seen), delta)
            if earlier is None:
                continue
            went = _direction(earlier, last[np.newaxis])
            goes = _direction(_recent(track.seen, self.frame, delta), boxes)
            cosine = np.clip((went * goes).sum(axis=1), -1, 1)
            result[row] = (np.pi / 2 - np.arccos(cosine)) / np.pi
        return result

    def _found_again(self, pairs: Pairs, boxes: Floats, limit: float) -> Pairs:
        """Match what is left by where tracks were last seen."""
        rows = _left(len(self._tracks), {row for row, _ in pairs})
        columns = _left(len(boxes), {column for _, column in pairs})
        last = table([self._tracks[row].seen[max(self._tracks[row].seen)] for row in rows])
        found = assign(1 - overlaps(last, boxes[columns]), limit)
        return [(rows[row], columns[column]) for row, column in found]

    def _take(self, track: Track, place: int, box: Floats, score: float, delta: int) -> None:
        if track.missed:
            self._filter_again(track, box)
        track.matched(place, box, score)
        track.seen[self.frame] = box
        for frame in [frame for frame in track.seen if frame < self.frame - delta]:
            del track.seen[frame]
        frozen = track.filter.copy()
        assert isinstance(frozen, AreaFilter)  # noqa: S101
        self._frozen[track.number] = frozen

    def _filter_again(self, track: Track, box: Floats) -> None:
        """Replace predictions since it was last seen by an even way to where it is now."""
        frame = max(track.seen)
        last, steps = track.seen[frame], self.frame - frame
        again = self._frozen[track.number].copy()
        for step in range(1, steps):
            again.predict()
            again.update(last + (box - last) * (step / steps))
        again.predict()
        track.filter = again


def _left(count: int, taken: Collection[int]) -> list[int]:
    return [index for index in range(count) if index not in taken]


def _before(seen: dict[int, Floats], frame: int, delta: int) -> Floats | None:
    """Return the box of `delta` frames before, or of the frame next after that; None where there is none."""
    return next((seen[one] for one in range(frame - delta, frame) if one in seen), None)


def _recent(seen: dict[int, Floats], frame: int, delta: int) -> Floats:
    found = _before(seen, frame, delta)
    return seen[max(seen)] if found is None else found


def _direction(start: Floats, ends: Floats) -> Floats:
    """Return the unit vectors between the centres of a box and of others."""
    way = (ends[:, :2] + ends[:, 2:]) / 2 - (start[:2] + start[2:]) / 2
    return np.asarray(way / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-6))
