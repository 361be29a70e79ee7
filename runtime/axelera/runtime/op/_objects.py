"""From rows to objects. Within `for_each` they know where they are in the whole frame, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._core import Operator, as_array
from axelera.runtime.op._frame import current_frame
from axelera.runtime.op._types import (
    BBox,
    Classification,
    DepthMap,
    DetectedObject,
    Keypoint,
    OrientedObject,
    PoseObject,
    SegmentedObject,
    SemanticSegmentation,
)

Array = npt.NDArray[Any]


def _boxed(row: Array) -> BBox:
    """Return a box that knows where it is in the whole frame."""
    frame = current_frame()
    x0, y0, x1, y1 = (float(value) for value in row[:4])
    box = BBox(x0, y0, x1, y1)
    if frame is not None and frame.parent is not None:
        box._frame = box.in_frame_of(frame.parent)  # noqa: SLF001
    return box


def _table(rows: Any, width: int, who: Operator) -> Array:
    array = as_array(rows, who)
    if array.ndim != 2 or array.shape[1] < width:
        raise ValueError(f"{type(who).__name__}: rows {array.shape}; expected (N, {width}) or wider")
    return array


class AxDetection(Operator):
    """Rows (N, 6) of 0..1 become a list of `DetectedObject`."""

    class_id_type: Callable[[int], Any] = int

    def __call__(self, rows: Any) -> list[DetectedObject]:
        """Return the objects."""
        return [
            DetectedObject(index, self.class_id_type(int(row[5])), _boxed(row), float(row[4]))
            for index, row in enumerate(_table(rows, 6, self))
        ]


class AxObb(Operator):
    """Rows (N, 7) become a list of `OrientedObject`."""

    class_id_type: Callable[[int], Any] = int

    def __call__(self, rows: Any) -> list[OrientedObject]:
        """Return the objects."""
        frame = current_frame()
        region = None if frame is None else frame.parent
        objects = []
        for index, row in enumerate(_table(rows, 7, self)):
            cx, cy, w, h, score, number, angle = (float(value) for value in row[:7])
            class_id = self.class_id_type(int(number))
            objects.append(OrientedObject(index, class_id, cx, cy, w, h, angle, score, region))
        return objects


class AxPose(Operator):
    """Rows (N, 6 + 3 K) become a list of `PoseObject`."""

    num_keypoints: int = 17
    keypoint_names: Sequence[str] | None = None
    class_id_type: Callable[[int], Any] = int

    def __call__(self, rows: Any) -> list[PoseObject]:
        """Return the objects."""
        return [
            self._one(index, row) for index, row in enumerate(_table(rows, 6 + 3 * self.num_keypoints, self))
        ]

    def _one(self, index: int, row: Array) -> PoseObject:
        frame = current_frame()
        region = None if frame is None else frame.parent
        points = []
        for number in range(self.num_keypoints):
            x, y, confidence = (float(value) for value in row[6 + 3 * number : 9 + 3 * number])
            place = None if region is None else BBox(x, y, x, y).in_frame_of(region).xyxy()[:2]
            name = "" if self.keypoint_names is None else self.keypoint_names[number]
            points.append(Keypoint(x, y, confidence, name, place))
        return PoseObject(index, points, _boxed(row), float(row[4]), self.class_id_type(int(row[5])))


class AxSegmentation(Operator):
    """Rows and masks, as two arguments or one tuple, become a list of `SegmentedObject`."""

    class_id_type: Callable[[int], Any] = int

    def __call__(self, *values: Any) -> list[SegmentedObject]:
        """Return the objects.

        Raises:
            ValueError: there are not as many masks as rows.
        """
        rows, masks = values[0] if len(values) == 1 else values
        table = _table(rows, 6, self)
        if len(table) != len(masks):
            raise ValueError(f"ax_segmentation: {len(masks)} masks for {len(table)} rows")
        return [
            SegmentedObject(index, self.class_id_type(int(row[5])), mask, _boxed(row), float(row[4]))
            for index, (row, mask) in enumerate(zip(table, masks, strict=True))
        ]


class AxClassification(Operator):
    """Scores of all classes, or values and their classes (as `top_k` returns them), become a list of `Classification`."""

    class_id_type: Callable[[int], Any] = int

    def __call__(self, *values: Any) -> list[Classification]:
        """Return a classification per score, in the order of the scores."""
        if len(values) == 1 and isinstance(values[0], tuple):
            values = values[0]
        scores = as_array(values[0], self).reshape(-1)
        classes = np.arange(len(scores)) if len(values) == 1 else as_array(values[1], self).reshape(-1)
        return [
            Classification(self.class_id_type(int(number)), float(score))
            for number, score in zip(classes, scores, strict=True)
        ]


class AxDepthMap(Operator):
    """(1, 1, height, width) becomes a `DepthMap`."""

    def __call__(self, depth: Any) -> DepthMap:
        """Return the map.

        Raises:
            ValueError: more than a plane is left without axes of 1.
        """
        plane = as_array(depth, self).squeeze()
        if plane.ndim != 2:
            raise ValueError(f"ax_depth_map: {plane.shape}; expected one plane (height, width)")
        return DepthMap(plane.astype(np.float32))


class AxSemanticSegmentation(Operator):
    """(1, height, width) classes become a `SemanticSegmentation`."""

    def __call__(self, classes: Any) -> SemanticSegmentation:
        """Return the map.

        Raises:
            ValueError: it is not one plane.
        """
        plane = as_array(classes, self)
        plane = plane[0] if plane.ndim == 3 and plane.shape[0] == 1 else plane
        if plane.ndim != 2:
            raise ValueError(f"ax_semantic_segmentation: {plane.shape}; expected (1, height, width)")
        return SemanticSegmentation(plane)


ax_detection, ax_obb, ax_pose, ax_segmentation = AxDetection, AxObb, AxPose, AxSegmentation
ax_classification, ax_depth_map = AxClassification, AxDepthMap
ax_semantic_segmentation = AxSemanticSegmentation
