"""What the heads of YOLO networks say, as boxes.

Exporters end these networks in one of five forms. Which one it is follows from shapes and number of classes, except between
YOLOv5 and YOLOX, whose tables have the same columns.

| form | outputs | networks |
|---|---|---|
| table | (1, 4 + classes + k, cells): centre and size in pixels, a score per class | YOLOv8, v9, 11; v10 and 26 without their last step |
| end to end | (1, n, 6 + k): corners in pixels, score, class | YOLOv10, YOLO26 |
| objectness | (1, cells, 5 + classes): centre and size in pixels, a score that there is something, a score per class | YOLOv5, v7 |
| offsets | the same columns, centre and size relative to the cell | YOLOX |
| maps | before any decoding: for every stride 64 channels of distances and one per class; or 3 anchors with 5 + classes | YOLOv8, v9, 11; YOLOv5 |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.host._classify import softmax
from axemu.host._detections import Detections, Float32Array

ANCHOR_FREE = ("yolov8", "yolov9", "yolov10", "yolo11", "yolo26")
END_TO_END = ("yolov10", "yolo26")
ANCHORED = ("yolov5", "yolov7")
FAMILIES = (*ANCHORED, *ANCHOR_FREE, "yolox")
STRIDES = (8, 16, 32)
BINS = 16
COCO_ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Widths and heights, in pixels, that YOLOv5 was published with; a network trained on other data may have its own."""

_Table = tuple[Float32Array, Float32Array, Float32Array]
"""Corners (n, 4), scores (n, classes), what else each says (n, k)."""


def decode(
    outputs: Sequence[npt.NDArray[Any]],
    classes: int,
    *,
    family: str | None = None,
    size: tuple[int, int] | None = None,
    least: float = 0.25,
    most: int = 30_000,
    anchors: Sequence[Sequence[tuple[int, int]]] = COCO_ANCHORS,
) -> Detections:
    """Return what a YOLO network found on one frame; overlapping boxes are still there (see `suppress`).

    Args:
        outputs: the network's outputs of one frame, as `HostPart.results` returns them.
        classes: number of classes.
        family: one of `FAMILIES`; needed only where shapes leave it open.
        size: height and width of the network's input; needed for YOLOX.
        least: lowest score of what is returned.
        most: how many of the best at most.
        anchors: of YOLOv5's and v7's maps, from the finest map on.

    Returns:
        Corners in pixels of the network's input, the best first. Every box has its best class only.

    Raises:
        InvalidArgument: the outputs have none of the known forms, or more than one.
    """
    if family is not None and family not in FAMILIES:
        raise InvalidArgument(f"no YOLO family {family!r}; known: {', '.join(FAMILIES)}")
    arrays = [np.asarray(output, np.float32) for output in outputs]
    if any(len(array) != 1 for array in arrays if array.ndim in (3, 4)):
        raise InvalidArgument(f"outputs of several frames, {_shapes(arrays)}; give those of one")
    if len(arrays) > 2 and all(array.ndim == 4 for array in arrays):
        corners, scores, rest = _from_maps(arrays, classes, anchors)
    elif arrays and arrays[0].ndim == 3:
        if _is_end_to_end(arrays[0], classes, family):
            return _end_to_end(arrays[0][0], least, most)
        corners, scores, rest = _from_table(arrays[0], classes, family, size)
    else:
        raise _unknown(arrays, classes)
    best = scores.max(axis=1)
    order = np.flatnonzero(best >= least)
    order = order[np.argsort(-best[order], kind="stable")][:most]
    return Detections(
        np.ascontiguousarray(corners[order]), best[order], scores[order].argmax(axis=1), rest[order]
    )


def _is_end_to_end(table: Float32Array, classes: int, family: str | None) -> bool:
    _, rows, columns = table.shape
    if family in END_TO_END:
        return bool(columns == 6 or (6 < columns < rows and columns != 4 + classes))
    if family is not None or columns != 6 or rows == 4 + classes:
        return False
    if classes <= 2:  # 4 or 5 columns and a score per class are 6 as well
        raise InvalidArgument(
            f"an output of shape {table.shape} with {classes} classes fits several families; say which: "
            f"{', '.join(FAMILIES)}"
        )
    return True


def _end_to_end(rows: Float32Array, least: float, most: int) -> Detections:
    rows = rows[rows[:, 4] >= least]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")][:most]
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64), rows[:, 6:])


def _from_table(
    array: Float32Array, classes: int, family: str | None, size: tuple[int, int] | None
) -> _Table:
    _, rows, columns = array.shape
    table = array[0]
    wide = family in ANCHOR_FREE
    if rows == 4 + classes or (wide and columns > rows > 4 + classes):
        table = table.T
    elif columns == 5 + classes and not wide:
        return _with_objectness(table, family, size)
    elif columns != 4 + classes and not (wide and rows > columns > 4 + classes):
        raise _unknown([array], classes)
    return _corners(table[:, :2], table[:, 2:4]), table[:, 4 : 4 + classes], table[:, 4 + classes :]


def _with_objectness(table: Float32Array, family: str | None, size: tuple[int, int] | None) -> _Table:
    centres, sides = table[:, :2], table[:, 2:4]
    if _is_relative(len(table), family, size):
        if size is None:
            raise InvalidArgument("YOLOX: say the height and width of the network's input (size)")
        grids = [_cells(size[0] // stride, size[1] // stride) for stride in STRIDES]
        strides = np.concatenate(
            [np.full((len(grid), 1), stride, np.float32) for grid, stride in zip(grids, STRIDES, strict=True)]
        )
        if len(strides) != len(table):
            raise InvalidArgument(
                f"YOLOX: {len(table)} cells; an input of {size} has {len(strides)} at strides {STRIDES}"
            )
        with np.errstate(over="ignore"):  # a box without end is cut off at the image
            centres, sides = (centres + np.concatenate(grids)) * strides, np.exp(sides) * strides
    return _corners(centres, sides), table[:, 4:5] * table[:, 5:], table[:, :0]


def _is_relative(cells: int, family: str | None, size: tuple[int, int] | None) -> bool:
    if family is not None:
        return family == "yolox"
    if size is not None:
        own = sum((size[0] // stride) * (size[1] // stride) for stride in STRIDES)
        if cells in (own, 3 * own):
            return cells == own
    raise InvalidArgument(
        f"a table of {cells} cells with objectness is YOLOv5's or YOLOX's; say family=, or size= of the input"
    )


def _from_maps(
    maps: Sequence[Float32Array], classes: int, anchors: Sequence[Sequence[tuple[int, int]]]
) -> _Table:
    levels: dict[tuple[int, ...], list[Float32Array]] = {}
    for array in maps:
        levels.setdefault(array.shape[2:], []).append(array[0])
    finest = max(levels)
    parts = []
    for level, (place, found) in enumerate(sorted(levels.items(), reverse=True)):
        stride = np.float32(STRIDES[0] * finest[0] / place[0])
        channels = [len(one) for one in found]
        # The vendor's order: boxes first. Ours may alternate; with 64 classes only the order tells them apart.
        if sorted(channels) == sorted((4 * BINS, classes)):
            boxes, scores = found if channels[0] == 4 * BINS else found[::-1]
            parts.append(_from_distances(boxes, scores, stride))
        elif channels == [3 * (5 + classes)] and level < len(anchors):
            parts.append(_from_anchors(found[0], np.array(anchors[level], np.float32), stride))
        else:
            raise _unknown(maps, classes)
    corners, scores = (np.concatenate(values) for values in zip(*parts, strict=True))
    return corners, scores, corners[:, :0]


def _from_distances(
    boxes: Float32Array, scores: Float32Array, stride: np.float32
) -> tuple[Float32Array, ...]:
    """Decode distances to the four sides, each a distribution over bins of a cell."""
    centres = _cells(*boxes.shape[1:]) + np.float32(0.5)
    bins = softmax(boxes.reshape(4, BINS, -1), axis=1)
    distances = np.einsum("sbn,b->ns", bins, np.arange(BINS, dtype=np.float32))
    corners = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1) * stride
    return corners, _sigmoid(scores.reshape(len(scores), -1).T)


def _from_anchors(head: Float32Array, anchors: Float32Array, stride: np.float32) -> tuple[Float32Array, ...]:
    cells = _cells(*head.shape[1:])
    values = _sigmoid(head.reshape(len(anchors), -1, len(cells)).transpose(0, 2, 1))
    centres = (2 * values[..., :2] - np.float32(0.5) + cells) * stride
    sides = (2 * values[..., 2:4]) ** 2 * anchors[:, np.newaxis]
    scores = values[..., 4:5] * values[..., 5:]
    return _corners(centres.reshape(-1, 2), sides.reshape(-1, 2)), scores.reshape(-1, scores.shape[-1])


def _cells(height: int, width: int) -> Float32Array:
    """Return column and row of every cell, row by row: (cells, 2)."""
    rows, columns = np.divmod(np.arange(height * width), width)
    return np.stack([columns, rows], axis=1).astype(np.float32)


def _corners(centres: Float32Array, sides: Float32Array) -> Float32Array:
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def _sigmoid(values: Float32Array) -> Float32Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)  # never overflows


def _shapes(arrays: Sequence[npt.NDArray[Any]]) -> str:
    return ", ".join(str(array.shape) for array in arrays) or "none"


def _unknown(arrays: Sequence[npt.NDArray[Any]], classes: int) -> InvalidArgument:
    return InvalidArgument(
        f"outputs {_shapes(arrays)} with {classes} classes are no form of a YOLO head that is known; expected "
        f"(1, {4 + classes}, cells), (1, n, 6), (1, cells, {5 + classes}), or maps of {4 * BINS} and {classes} or of "
        f"{3 * (5 + classes)} channels per stride"
    )
