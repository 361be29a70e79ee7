"""From what a network's head returns to rows: one per box, the best first, in pixels of the model's input.

`axemu.host.decode` knows the heads; here its boxes become the rows that the operators after it take.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._core import Operator, as_array
from axelera.runtime.op._frame import current_frame
from axemu.host import Detections, decode

Floats = npt.NDArray[np.float32]

_FAMILIES = {"yolov11": "yolo11"}
_WITH_EXTRAS = ("yolov8", "yolo11", "yolov11")
_FORMATS = ("auto",)


def _found(who: Operator, head: Any, classes: int, algo: str, extras: int = 0) -> Detections:
    """Return the boxes of a head.

    Args:
        who: has the thresholds.
        head: output of one frame.
        classes: number of classes.
        algo: family of the network.
        extras: columns there have to be behind the classes.

    Raises:
        ValueError: the head is another one, or a parameter does not exist.
    """
    least, most = who.confidence_threshold, who.max_boxes_pre_nms  # type: ignore[attr-defined]
    name = type(who).__name__
    if getattr(who, "input_format", "auto") not in _FORMATS:
        raise ValueError(f"{name}: input_format {who.input_format!r}; only 'auto' is published")  # type: ignore[attr-defined]
    if not 0 <= least <= 1 or most < 1:
        raise ValueError(f"{name}: confidence_threshold is 0 to 1, max_boxes_pre_nms 1 or more")
    frame = current_frame()
    size = None if frame is None or frame.saved is None else frame.saved.target[::-1]
    array = as_array(head, who)
    if size is None and algo == "yolox" and array.ndim == 3:
        size = (_side(array.shape[1]),) * 2
    if extras and 4 + classes + extras not in array.shape[1:]:
        raise ValueError(
            f"{name}: {array.shape} has no axis of 4 + {classes} classes + {extras}; is it the head of another network?"
        )
    try:
        return decode(
            [array], classes, family=_FAMILIES.get(algo, algo), size=size, least=float(least), most=int(most)
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _side(cells: int) -> int:
    """Return the side of a square input with cells of 8, 16 and 32 pixels: side² · (1/64 + 1/256 + 1/1024)."""
    return round(math.sqrt(cells * 1024 / 21))


def _rows(found: Detections, extras: int = 0) -> Floats:
    scores, classes = found.scores[:, np.newaxis], found.classes[:, np.newaxis].astype(np.float32)
    rest = found.rest[:, :extras].reshape(len(found), extras)
    return np.concatenate((found.boxes, scores, classes, rest), axis=1)


class DecodeDetections(Operator):
    """Boxes of a detector: (N, 6) float32 of corners, score and class.

    Networks that choose their boxes themselves (YOLO26, YOLOv10 as exported by default) are only filtered. `algo` is one of
    `axemu.host.FAMILIES`, or yolov11.
    """

    algo: str
    num_classes: int
    confidence_threshold: float = 0.25
    max_boxes_pre_nms: int = 30000
    input_format: str = "auto"

    def __call__(self, head: Any) -> Floats:
        """Return the boxes above the threshold.

        Raises:
            ValueError: the head does not have these classes, or a parameter does not exist.
        """
        found = _found(self, head, self.num_classes, self.algo)
        return _rows(found)


class DecodeObb(Operator):
    """Turned boxes: (N, 7) float32 of centre, size, score, class and angle in radians."""

    num_classes: int
    confidence_threshold: float = 0.25
    max_boxes_pre_nms: int = 30000

    def __call__(self, head: Any) -> Floats:
        """Return the boxes above the threshold.

        Raises:
            ValueError: the head does not have these classes and an angle.
        """
        found = _found(self, head, self.num_classes, "yolov8", 1)
        low, high = found.boxes[:, :2], found.boxes[:, 2:]
        rows = _rows(found, 1)
        rows[:, :4] = np.concatenate([(low + high) / 2, high - low], axis=1)
        return rows


class DecodePose(Operator):
    """Bodies: (N, 6 + 3 K) float32 of corners, score, class, and x, y, confidence of each key point."""

    algo: str
    num_keypoints: int
    confidence_threshold: float = 0.25
    max_boxes_pre_nms: int = 30000
    input_format: str = "auto"

    def __call__(self, head: Any) -> Floats:
        """Return the bodies above the threshold.

        Raises:
            ValueError: the head does not have these key points, or a parameter does not exist.
        """
        _check_algo(self.algo, "decode_pose")
        found = _found(self, head, 1, self.algo, 3 * self.num_keypoints)
        return _rows(found, 3 * self.num_keypoints)


class DecodeSegmentation(Operator):
    """Boxes with coefficients of masks (N, 6 + coefficients), and the prototypes (coefficients, height, width)."""

    algo: str
    num_classes: int
    num_mask_coeffs: int = 32
    confidence_threshold: float = 0.25
    max_boxes_pre_nms: int = 30000
    input_format: str = "auto"

    def __call__(self, head: Any, prototypes: Any) -> tuple[Floats, Floats]:
        """Return a tuple of the two.

        Raises:
            ValueError: the head does not have these classes and coefficients, or a parameter does not exist.
        """
        _check_algo(self.algo, "decode_segmentation")
        planes = as_array(prototypes, self)
        planes = planes[0] if planes.ndim == 4 else planes
        if planes.ndim != 3 or planes.shape[0] != self.num_mask_coeffs:
            raise ValueError(
                f"decode_segmentation: prototypes {planes.shape}; expected ({self.num_mask_coeffs}, height, width)"
            )
        found = _found(self, head, self.num_classes, self.algo, self.num_mask_coeffs)
        return _rows(found, self.num_mask_coeffs), planes.astype(np.float32, copy=False)


def _check_algo(algo: str, who: str) -> None:
    if algo not in _WITH_EXTRAS:
        raise ValueError(f"{who}: algo {algo!r} is unknown; there are {', '.join(_WITH_EXTRAS)}")


class DecodeSemanticSegmentation(Operator):
    """Logits (1, classes, height, width) become a class per pixel, (1, height, width) int64."""

    num_classes: int

    def __call__(self, logits: Any) -> npt.NDArray[np.int64]:
        """Return the classes.

        Raises:
            ValueError: there are not as many classes.
        """
        array = as_array(logits, self)
        if array.ndim != 4 or array.shape[1] != self.num_classes:
            raise ValueError(
                f"decode_semantic_segmentation: {array.shape}; expected (1, {self.num_classes}, height, width)"
            )
        return np.asarray(array.argmax(axis=1), np.int64)


decode_detections, decode_obb, decode_pose = DecodeDetections, DecodeObb, DecodePose
decode_segmentation, decode_semantic_segmentation = DecodeSegmentation, DecodeSemanticSegmentation
