"""Mean average precision as COCO defines it: ten overlaps, 101 recalls, crowds ignored.

The published evaluation (pycocotools) decides ties and order; a test holds this one to it. Here pictures can count more than
once, which intervals need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.studies.evaluation._data import Boxes

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Overlaps from which a detection is a hit."""
RECALLS = np.linspace(0, 1, 101)
MOST = 100
"""Detections of a picture that count, the best ones."""
_EPSILON = np.spacing(1)


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of one class on one picture against what is there.

    `scores` (n,), best first; `hits` and `ignored` (thresholds, n); `objects` counts those that are to be found.
    """

    scores: npt.NDArray[np.float64]
    hits: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    objects: int


def match(
    corners: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], truth: Boxes, label: int
) -> Matches:
    """Match detections of class `label` with the objects of that class.

    Args:
        corners: of the detections, (n, 4).
        scores: of the detections, (n,), in any order.
        truth: everything on the picture.
        label: the class.
    """
    own = np.flatnonzero(truth.classes == label)
    own = own[np.argsort(truth.crowd[own], kind="stable")]
    crowd = truth.crowd[own]
    order = np.argsort(-scores, kind="stable")
    shared = overlaps(corners[order], truth.corners[own], crowd)
    hits = np.zeros((len(THRESHOLDS), len(order)), bool)
    ignored = np.zeros_like(hits)
    for place, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(own), bool)
        for one, row in enumerate(shared):
            found = _best(row, free, crowd, threshold)
            if found is None:
                continue
            hits[place, one], ignored[place, one] = True, crowd[found]
            free[found] = crowd[found]  # a crowd has many
    return Matches(scores[order], hits, ignored, int((~crowd).sum()))


def _best(
    row: npt.NDArray[np.float64], free: npt.NDArray[np.bool_], crowd: npt.NDArray[np.bool_], threshold: float
) -> int | None:
    """Return the object that a detection hits: the free one with most overlap, of equals the last; a crowd if none."""
    for kind in (~crowd, crowd):
        candidates = np.flatnonzero(free & kind & (row >= min(threshold, 1 - 1e-10)))
        if candidates.size:
            return int(candidates[len(candidates) - 1 - np.argmax(row[candidates][::-1])])
    return None


def overlaps(
    corners: npt.NDArray[np.float64], others: npt.NDArray[np.float64], crowd: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return intersection over union (n, m); with a crowd, intersection over the detection."""
    low = np.maximum(corners[:, None, :2], others[None, :, :2])
    high = np.minimum(corners[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    own = (corners[:, 2:] - corners[:, :2]).prod(axis=1)[:, None]
    theirs = (others[:, 2:] - others[:, :2]).prod(axis=1)[None]
    whole = np.where(crowd[None], own, own + theirs - shared)
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0), np.float64)


@dataclass(frozen=True, slots=True)
class _OfClass:
    """All detections of a class, best first, with the picture each is on."""

    pictures: npt.NDArray[np.int64]
    hits: npt.NDArray[np.bool_]
    misses: npt.NDArray[np.bool_]
    objects: npt.NDArray[np.int64]


class average_precision:  # noqa: N801  used like a function
    """Average precision as a function of how often each picture counts.

    Args:
        matches: per picture, per class. A class that is neither found nor there may be left out.
    """

    def __init__(self, matches: Sequence[dict[int, Matches]]) -> None:
        self._classes = [
            _of_class(matches, label) for label in sorted({label for found in matches for label in found})
        ]

    def __call__(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the average precision per threshold, (10,), the mean of all classes that are there; NaN without any."""
        found = [_weighted(one, weights) for one in self._classes if one.objects @ weights > 0]
        return np.mean(found, axis=0) if found else np.full(len(THRESHOLDS), np.nan)


def _of_class(matches: Sequence[dict[int, Matches]], label: int) -> _OfClass:
    own = [(picture, found[label]) for picture, found in enumerate(matches) if label in found]
    scores = np.concatenate([one.scores for _, one in own])
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([one.hits for _, one in own], axis=1)[:, order]
    ignored = np.concatenate([one.ignored for _, one in own], axis=1)[:, order]
    objects = np.zeros(len(matches), np.int64)
    for picture, one in own:
        objects[picture] = one.objects
    pictures = np.concatenate([np.full(len(one.scores), picture) for picture, one in own]).astype(np.int64)
    return _OfClass(pictures[order], hits & ~ignored, ~hits, objects)


def _weighted(one: _OfClass, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the average precision of a class per threshold."""
    each = weights[one.pictures]
    hits, misses = np.cumsum(one.hits * each, axis=1), np.cumsum(one.misses * each, axis=1)
    recall = hits / (one.objects @ weights)
    precision = hits / (hits + misses + _EPSILON)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    result = np.empty(len(THRESHOLDS))
    for place in range(len(THRESHOLDS)):
        reached = np.searchsorted(recall[place], RECALLS, side="left")
        inside = reached < best.shape[1]
        result[place] = best[place, reached[inside]].sum() / len(RECALLS)
    return result
