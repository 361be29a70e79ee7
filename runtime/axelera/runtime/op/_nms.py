"""Of boxes that overlap only the best one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._core import Operator, as_array
from axelera.runtime.op._types import turned_corners
from axemu.host import Detections, suppress

Array = npt.NDArray[Any]


class Nms(Operator):
    """Keep the best of the boxes that overlap more than `iou_threshold`, the best first; per class unless agnostic.

    Columns 0 to 3 are the box, 4 the score, 5 the class; the others come along, with `xywhr` the angle in column 6. Of equal scores
    the earlier row wins. `backend` is checked and changes nothing: both of the vendor's give what is computed here.
    """

    iou_threshold: float = 0.45
    class_agnostic: bool = False
    max_boxes: int = 300
    backend: str = "opencv"
    box_format: str = "xyxy"

    def __call__(self, rows: Any) -> Array:
        """Return the rows that are kept.

        Raises:
            ValueError: the rows have too few columns, or a parameter does not exist.
        """
        array = as_array(rows, self)
        turned = self.box_format == "xywhr"
        if not turned and self.box_format != "xyxy":
            raise ValueError(f"nms: box_format {self.box_format!r}; there are xyxy and xywhr")
        if self.backend not in ("opencv", "torch"):
            raise ValueError(f"nms: backend {self.backend!r}; there are opencv and torch")
        if not 0 <= self.iou_threshold <= 1 or self.max_boxes < 1:
            raise ValueError("nms: iou_threshold is 0 to 1, max_boxes 1 or more")
        if array.ndim != 2 or array.shape[1] < (7 if turned else 6 - self.class_agnostic):
            raise ValueError(
                f"nms: rows {array.shape} lack columns; expected box, score, class{', angle' * turned}"
            )
        if not len(array):
            return array
        return array[self._turned(array) if turned else self._upright(array)]

    def _upright(self, rows: Array) -> npt.NDArray[np.intp]:
        classes = rows[:, 5].astype(np.int64) if rows.shape[1] > 5 else np.zeros(len(rows), np.int64)
        numbers = np.arange(len(rows), dtype=np.float32)[:, np.newaxis]
        found = Detections(rows[:, :4], rows[:, 4], classes, numbers)
        kept = suppress(found, self.iou_threshold, most=self.max_boxes, across_classes=self.class_agnostic)
        return kept.rest[:, 0].astype(np.intp)

    def _turned(self, rows: Array) -> list[int]:
        order = np.argsort(-rows[:, 4], kind="stable")
        kept: list[int] = []
        while len(order) and len(kept) < self.max_boxes:
            first, order = order[0], order[1:]
            kept.append(int(first))
            apart = _turned_overlaps(rows[first], rows[order]) <= self.iou_threshold
            if not self.class_agnostic:
                apart |= rows[order, 5] != rows[first, 5]
            order = order[apart]
        return kept


def _turned_overlaps(box: Array, others: Array) -> Array:
    reach = (np.hypot(box[2], box[3]) + np.hypot(others[:, 2], others[:, 3])) / 2
    near = np.hypot(others[:, 0] - box[0], others[:, 1] - box[1]) < reach
    result = np.zeros(len(others))
    for index in np.nonzero(near)[0]:
        result[index] = turned_overlap(box, others[index])
    return result


def turned_overlap(one: Array, other: Array) -> float:
    """Return the intersection over union of two turned boxes: centre, size, …, angle in column 6."""
    first, second = (turned_corners(row[0], row[1], row[2], row[3], row[6]) for row in (one, other))
    shared = _area(_clipped(first, second))
    union = float(one[2] * one[3] + other[2] * other[3]) - shared
    return shared / union if union > 0 else 0.0


def _clipped(polygon: Array, window: Array) -> Array:
    """Return the part of a convex polygon within another (Sutherland and Hodgman 1974)."""
    for start, end in zip(window, np.roll(window, -1, axis=0), strict=True):
        if not len(polygon):
            break
        edge = end - start
        sides = edge[0] * (polygon[:, 1] - start[1]) - edge[1] * (polygon[:, 0] - start[0])
        points = []
        for here, there, side, next_side in zip(
            polygon, np.roll(polygon, -1, axis=0), sides, np.roll(sides, -1), strict=True
        ):
            if side >= 0:
                points.append(here)
            if (side >= 0) != (next_side >= 0):
                points.append(here + (there - here) * (side / (side - next_side)))
        polygon = np.array(points).reshape(-1, 2)
    return polygon


def _area(polygon: Array) -> float:
    following = np.roll(polygon, -1, axis=0)
    cross = polygon[:, 0] * following[:, 1] - polygon[:, 1] * following[:, 0]
    return math.fabs(float(cross.sum())) / 2


nms = Nms
