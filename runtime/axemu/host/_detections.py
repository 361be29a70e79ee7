"""Boxes with scores and classes, and choosing among those that overlap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects that a network found on one image, `n` of them.

    Attributes:
        boxes: float32 (n, 4), the corners x0, y0, x1, y1 in pixels.
        scores: float32 (n,), 0 to 1.
        classes: int64 (n,), numbers of classes.
        rest: float32 (n, k), what the network says of each beside: coefficients of masks, key points, an angle.
    """

    boxes: Float32Array
    scores: Float32Array
    classes: npt.NDArray[np.int64]
    rest: Float32Array = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def __post_init__(self) -> None:
        """Give `rest` as many rows as there are boxes when it was left out."""
        if not self.rest.size:
            object.__setattr__(self, "rest", np.empty((len(self.boxes), 0), np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, chosen: slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Detections:
        """Return the chosen ones, in that order."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.classes[chosen], self.rest[chosen])


def overlap(box: Float32Array, others: Float32Array) -> Float32Array:
    """Return intersection over union of one box (4,) with others (n, 4), corners; float32 (n,)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = sides.clip(0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).clip(0).prod(axis=1) + (box[2:] - box[:2]).clip(0).prod()
    return np.asarray(shared / np.maximum(areas - shared, np.finfo(np.float32).tiny), np.float32)


def suppress(
    found: Detections, most_overlap: float = 0.45, *, most: int = 300, across_classes: bool = False
) -> Detections:
    """Keep of boxes that overlap only the best one (greedy non-maximum suppression).

    Args:
        found: in any order; equal scores keep it.
        most_overlap: intersection over union above which two boxes are one.
        most: how many to keep.
        across_classes: whether boxes of different classes may be one, too.

    Returns:
        What is kept, the best first.
    """
    ordered = found[np.argsort(-found.scores, kind="stable")]
    alive = np.ones(len(ordered), bool)
    kept: list[int] = []
    for index in range(len(ordered)):
        if not alive[index]:
            continue
        if len(kept) == most:
            break
        kept.append(index)
        one = overlap(ordered.boxes[index], ordered.boxes) > most_overlap
        alive &= ~(one if across_classes else one & (ordered.classes == ordered.classes[index]))
    return ordered[np.asarray(kept, np.int64)]
