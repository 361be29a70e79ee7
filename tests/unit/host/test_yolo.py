"""Heads of YOLO networks: values that encode known boxes give these boxes, in every form an exporter writes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from axemu.driver import InvalidArgument
from axemu.host import FAMILIES, Detections, decode

SIZE = (64, 96)  # height, width of the input
CLASSES = 7
STRIDES = (8, 16, 32)
# cell (level, row, column), box (centre, size) in pixels, class, score
FOUND = (
    ((0, 3, 5), (44.0, 28.0, 16.0, 8.0), 6, 0.9),
    ((1, 0, 5), (88.0, 8.0, 12.0, 12.0), 2, 0.8),
    ((2, 1, 0), (16.0, 48.0, 30.0, 28.0), 0, 0.6),
)
EXPECTED = np.float32([[36, 24, 52, 32], [82, 2, 94, 14], [1, 34, 31, 62]])
FAINT = 0.01

Outputs = list[np.ndarray]


def levels() -> list[tuple[int, int]]:
    return [(SIZE[0] // stride, SIZE[1] // stride) for stride in STRIDES]


def cell_number(level: int, row: int, column: int) -> int:
    return sum(height * width for height, width in levels()[:level]) + row * levels()[level][1] + column


def logit(value: float) -> float:
    return float(np.log(value / (1 - value)))


def table() -> Outputs:
    """Centre, size and scores of classes, (1, 4 + classes, cells)."""
    rows = np.full((cells(), 4 + CLASSES), FAINT, np.float32)
    for place, box, number, score in FOUND:
        rows[cell_number(*place), :4] = box
        rows[cell_number(*place), 4 + number] = score
    return [np.ascontiguousarray(rows.T[np.newaxis])]


def cells() -> int:
    return sum(height * width for height, width in levels())


def turned_table() -> Outputs:
    return [table()[0].transpose(0, 2, 1)]


def objectness() -> Outputs:
    """Three anchors a cell; what there is times which class it is makes the score."""
    rows = np.full((1, 3 * cells(), 5 + CLASSES), FAINT, np.float32)
    for place, box, number, score in FOUND:
        index = 3 * cell_number(*place)
        rows[0, index, :4] = box
        rows[0, index, 4] = 0.95
        rows[0, index, 5 + number] = score / 0.95
    return [rows]


def offsets() -> Outputs:
    rows = np.full((1, cells(), 5 + CLASSES), FAINT, np.float32)
    for place, (x, y, width, height), number, score in FOUND:
        level, row, column = place
        stride = STRIDES[level]
        index = cell_number(*place)
        rows[0, index, :2] = x / stride - column, y / stride - row
        rows[0, index, 2:4] = np.log([width / stride, height / stride])
        rows[0, index, 4] = 0.95
        rows[0, index, 5 + number] = score / 0.95
    return [rows]


def end_to_end() -> Outputs:
    rows = np.zeros((1, 300, 6), np.float32)
    for index, ((_, _, number, score), corners) in enumerate(zip(FOUND, EXPECTED, strict=True)):
        rows[0, 7 + index] = (*corners, score, number)
    return [rows]


def distances() -> Outputs:
    """Box maps, then class maps: a distance between two bins is shared by both, so that its mean is exact."""
    boxes = [np.zeros((1, 64, *level), np.float32) for level in levels()]
    scores = [np.full((1, CLASSES, *level), logit(FAINT), np.float32) for level in levels()]
    for (level, row, column), (x, y, width, height), number, score in FOUND:
        stride = STRIDES[level]
        centre = np.array([(column + 0.5) * stride, (row + 0.5) * stride])
        near = centre - [x - width / 2, y - height / 2]
        far = np.array([x + width / 2, y + height / 2]) - centre
        for side, distance in enumerate(np.concatenate([near, far]) / stride):
            bins = np.full(16, 1e-9)
            bins[int(distance)] += 1 - distance % 1
            bins[int(distance) + 1] += distance % 1
            boxes[level][0, 16 * side : 16 * side + 16, row, column] = np.log(bins)
        scores[level][0, number, row, column] = logit(score)
    return [*boxes, *scores]


def alternating_distances() -> Outputs:
    maps = distances()
    return [maps[index] for index in (3, 0, 4, 1, 5, 2)]


def anchors() -> Outputs:
    """Three anchors a cell in one map a stride; the second anchor holds the box."""
    widths = np.float32([(16, 30), (62, 45), (156, 198)])
    maps = [np.full((1, 3, 5 + CLASSES, *level), logit(FAINT), np.float32) for level in levels()]
    for (level, row, column), (x, y, width, height), number, score in FOUND:
        stride = STRIDES[level]
        encoded = [(x / stride - column + 0.5) / 2, (y / stride - row + 0.5) / 2]
        encoded += list(np.sqrt(np.array([width, height]) / widths[level]) / 2)
        encoded += [0.95]
        maps[level][0, 1, :5, row, column] = [logit(value) for value in encoded]
        maps[level][0, 1, 5 + number, row, column] = logit(score / 0.95)
    return [one.reshape(1, -1, *one.shape[3:]) for one in maps]


FORMS: dict[str, tuple[Callable[[], Outputs], dict[str, object]]] = {
    "table": (table, {}),
    "turned table": (turned_table, {}),
    "objectness": (objectness, {"size": SIZE}),
    "objectness of yolov7": (objectness, {"family": "yolov7"}),
    "offsets": (offsets, {"size": SIZE}),
    "offsets of yolox": (offsets, {"size": SIZE, "family": "yolox"}),
    "end to end": (end_to_end, {}),
    "end to end of yolo26": (end_to_end, {"family": "yolo26"}),
    "distances": (distances, {}),
    "alternating distances": (alternating_distances, {}),
    "anchors": (anchors, {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_known_boxes_come_out_of_every_form(form: str) -> None:
    outputs, options = FORMS[form][0](), FORMS[form][1]
    found = decode(outputs, CLASSES, **options)
    assert found.classes.tolist() == [6, 2, 0]
    assert found.scores == pytest.approx([0.9, 0.8, 0.6], abs=1e-5)
    assert found.boxes == pytest.approx(EXPECTED, abs=2e-3)
    assert (found.boxes.dtype, found.scores.dtype, found.classes.dtype) == (np.float32, np.float32, np.int64)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_below_the_lowest_score_and_no_more_than_asked_for(form: str) -> None:
    outputs, options = FORMS[form][0](), FORMS[form][1]
    assert decode(outputs, CLASSES, **options, least=0.7).classes.tolist() == [6, 2]
    assert decode(outputs, CLASSES, **options, most=1).classes.tolist() == [6]
    nothing = decode(outputs, CLASSES, **options, least=0.99)
    assert (len(nothing), nothing.boxes.shape) == (0, (0, 4))


def test_what_follows_the_scores_is_handed_on_where_the_family_is_known() -> None:
    (plain,) = table()
    wide = np.concatenate([plain, np.float32([[np.arange(cells()), np.ones(cells())]])], axis=1)
    found = decode([wide, np.zeros((1, 32, 16, 24), np.float32)], CLASSES, family="yolo11")
    assert found.rest.tolist() == [[cell_number(*place), 1] for place, *_ in FOUND]
    assert isinstance(found[:1], Detections)
    (rows,) = end_to_end()
    points = np.concatenate([rows, np.full((1, 300, 51), 2, np.float32)], axis=2)
    assert decode([points], CLASSES, family="yolo26").rest.tolist() == [[2] * 51] * 3


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        ([np.zeros((1, 9, 126))], {}, r"outputs \(1, 9, 126\) with 7 classes are no form of a YOLO head"),
        ([np.zeros((2, 11, 126))], {}, r"outputs of several frames, \(2, 11, 126\); give those of one"),
        ([], {}, "outputs none with 7 classes"),
        ([np.zeros((1, 126, 12))], {}, r"YOLOv5's or YOLOX's; say family=, or size="),
        ([np.zeros((1, 126, 12))], {"family": "yolox"}, "say the height and width"),
        ([np.zeros((1, 99, 12))], {"family": "yolox", "size": SIZE}, "99 cells; an input of .* has 126"),
        ([np.zeros((1, 64, 8, 12))] * 3, {}, "no form of a YOLO head"),
        ([np.zeros((1, 11, 126))], {"family": "yolo12"}, "no YOLO family 'yolo12'; known: yolov5, .*yolox"),
    ],
)
def test_other_outputs_are_refused_with_what_is_expected(
    outputs: Outputs, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        decode(outputs, CLASSES, **options)


def test_one_class_leaves_the_family_open() -> None:
    with pytest.raises(InvalidArgument, match=r"fits several families; say which: yolov5"):
        decode([np.zeros((1, 300, 6))], 1)
    assert len(decode([np.zeros((1, 300, 6))], 1, family="yolov10")) == 0
    assert len(decode([np.zeros((1, 300, 6))], 1, family="yolov5")) == 0


def test_every_family_is_taken_by_name() -> None:
    forms = {"yolov5": objectness, "yolov7": objectness, "yolox": offsets}
    for family in FAMILIES:
        found = decode(forms.get(family, table)(), CLASSES, family=family, size=SIZE)
        assert found.classes.tolist() == [6, 2, 0]
