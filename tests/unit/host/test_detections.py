"""Boxes that overlap, and boxes on letterboxed photos."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from axemu.host import Detections, chw, letterbox, overlap, softmax, suppress, top


@st.composite
def detections(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(0, 12))
    near = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(0, 50, width=32)))
    sides = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(1, 50, width=32)))
    scores = draw(hnp.arrays(np.float32, count, elements=st.floats(0, 1, width=32)))
    classes = draw(hnp.arrays(np.int64, count, elements=st.integers(0, 2)))
    return Detections(np.concatenate([near, near + sides], axis=1), scores, classes)


def test_overlap_is_intersection_over_union() -> None:
    box = np.float32([0, 0, 2, 2])
    others = np.float32([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 4, 4], [0, 0, 1, 1], [5, 5, 4, 4]])
    assert overlap(box, others) == pytest.approx([1, 2 / 6, 0, 1 / 4, 0])


@given(detections(), st.floats(0.1, 0.9), st.booleans())
def test_what_is_kept_is_in_order_and_overlaps_no_more_than_allowed(
    found: Detections, most_overlap: float, across: bool
) -> None:
    kept = suppress(found, most_overlap, across_classes=across)
    assert (np.diff(kept.scores) <= 0).all()
    for index in range(len(kept)):
        others = np.arange(len(kept)) != index
        if not across:
            others &= kept.classes == kept.classes[index]
        assert (overlap(kept.boxes[index], kept.boxes[others]) <= most_overlap).all()


@given(detections(), st.floats(0.1, 0.9))
def test_what_is_left_out_overlaps_a_better_one_of_its_class(found: Detections, most_overlap: float) -> None:
    kept = suppress(found, most_overlap)
    rows = {tuple(row) for row in kept.boxes.tolist()}
    for box, score, number in zip(found.boxes, found.scores, found.classes, strict=True):
        if tuple(box.tolist()) not in rows:
            better = (kept.scores >= score) & (kept.classes == number)
            assert (overlap(box, kept.boxes[better]) > most_overlap).any()


def test_only_so_many_are_kept() -> None:
    boxes = np.float32([[10 * i, 0, 10 * i + 5, 5] for i in range(9)])
    found = Detections(boxes, np.float32(np.linspace(0, 1, 9)), np.zeros(9, np.int64))
    assert suppress(found, most=4).scores.tolist() == found.scores[::-1][:4].tolist()


def test_what_a_network_says_beside_stays_with_its_box() -> None:
    boxes = np.float32([[0, 0, 4, 4], [0, 0, 4, 4], [9, 9, 12, 12]])
    found = Detections(boxes, np.float32([0.5, 0.9, 0.7]), np.zeros(3, np.int64), np.float32([[1], [2], [3]]))
    assert suppress(found).rest.tolist() == [[2], [3]]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(8, 100), st.integers(8, 100))
def test_a_letterboxed_photo_lies_in_the_middle_and_its_boxes_come_back(
    width: int, height: int, wide: int, high: int
) -> None:
    photo = letterbox(Image.new("RGB", (width, height), "red"), wide, high)
    assert photo.pixels.shape == (high, wide, 3)
    red = (photo.pixels == (255, 0, 0)).all(axis=2)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert (photo.pixels[~red] == 114).all()
    assert abs((rows[0] + rows[-1] + 1) - high) <= 1
    assert abs((columns[0] + columns[-1] + 1) - wide) <= 1
    inner = np.float32([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]])
    back = photo.back(Detections(inner, np.ones(1, np.float32), np.zeros(1, np.int64))).boxes[0]
    assert np.abs(back - [0, 0, width, height]).max() <= 1 / photo.scale


def test_pixels_become_channels_first_with_their_values() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    image = chw(pixels)
    assert (image.dtype, image.shape) == (np.float32, (1, 3, 2, 4))
    assert image[0, 2, 1, 3] == pixels[1, 3, 2]


@given(hnp.arrays(np.float32, (2, 5), elements=st.floats(-1e4, 1e4, width=32)))
def test_probabilities_sum_to_one_and_keep_the_order(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    assert probabilities.sum(axis=-1) == pytest.approx([1, 1], abs=1e-5)
    assert (np.take_along_axis(probabilities, np.argsort(logits), -1)[:, -1] == probabilities.max(-1)).all()


def test_the_best_classes_come_first_and_of_equals_the_lower_number() -> None:
    assert top(np.float32([[[0.5]], [[2]], [[0.5]], [[1]]]), most=3) == [(1, 2.0), (3, 1.0), (0, 0.5)]
