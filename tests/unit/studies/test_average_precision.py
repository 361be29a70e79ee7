"""Average precision is COCO's, as its own program computes it."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.studies.evaluation import Boxes, average_precision, match

Found = dict[str, list[Any]]
SIDE = 100


def boxes(
    *corners: tuple[float, float, float, float],
    classes: list[int] | None = None,
    crowd: list[bool] | None = None,
) -> Boxes:
    return Boxes(
        np.array(corners, float).reshape(-1, 4),
        np.array(classes or [0] * len(corners), np.int64),
        np.array(crowd or [False] * len(corners), bool),
    )


def precision_of(truth: list[Boxes], found: list[Found], weights: list[float] | None = None) -> np.ndarray:
    per_picture = []
    for one, own in zip(truth, found, strict=True):
        corners = np.array(own["boxes"], float).reshape(-1, 4)
        scores, classes = np.array(own["scores"], float), np.array(own["classes"], np.int64)
        per_picture.append(
            {
                label: match(corners[classes == label], scores[classes == label], one, label)
                for label in sorted({*classes.tolist(), *one.classes.tolist()})
            }
        )
    return average_precision(per_picture)(
        np.ones(len(truth)) if weights is None else np.array(weights, float)
    )


def coco_of(truth: list[Boxes], found: list[Found]) -> np.ndarray:
    """Return what pycocotools says, per overlap; -1 without any object."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def sides(corners: Any) -> list[float]:
        x0, y0, x1, y1 = map(float, corners)
        return [x0, y0, x1 - x0, y1 - y0]

    labels = sorted(
        {label for one in truth for label in one.classes.tolist()}
        | {c for one in found for c in one["classes"]}
    )
    content = {
        "images": [{"id": number + 1} for number in range(len(truth))],
        "categories": [{"id": label + 1} for label in labels],
        "annotations": [
            {"image_id": number + 1, "category_id": int(label) + 1, "bbox": sides(corners),
             "area": float(np.prod(corners[2:] - corners[:2])), "iscrowd": int(crowd)}
            for number, one in enumerate(truth)
            for corners, label, crowd in zip(one.corners, one.classes, one.crowd, strict=True)
        ],
    }  # fmt: skip
    for number, annotation in enumerate(content["annotations"], start=1):
        annotation["id"] = number
    results = [
        {"image_id": number + 1, "category_id": label + 1, "bbox": sides(corners), "score": score}
        for number, one in enumerate(found)
        for corners, score, label in zip(one["boxes"], one["scores"], one["classes"], strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        known = coco.COCO()
        known.dataset = content
        known.createIndex()
        run = evaluation.COCOeval(known, known.loadRes(results) if results else coco.COCO(), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, 2]  # overlaps, recalls, classes; all areas; 100 detections
    there = [k for k in range(precision.shape[2]) if (precision[:, :, k] > -1).any()]
    return np.array([precision[t][:, there].mean() if there else -1 for t in range(10)])


corner = st.integers(0, SIDE - 10)
box = st.tuples(corner, corner, st.integers(2, 60), st.integers(2, 60)).map(
    lambda values: (
        float(values[0]),
        float(values[1]),
        float(values[0] + values[2]),
        float(values[1] + values[3]),
    )
)
label = st.integers(0, 2)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[list[Boxes], list[Found]]:
    truth, found = [], []
    for _ in range(draw(st.integers(1, 4))):
        own = draw(st.lists(st.tuples(box, label, st.booleans()), max_size=4))
        truth.append(
            boxes(*(b for b, _, _ in own), classes=[c for _, c, _ in own], crowd=[k for _, _, k in own])
        )
        # Detections that lie near objects, and others; few scores, so that there are ties.
        near = [(b, c) for b, c, _ in own]
        each = draw(st.lists(st.tuples(st.one_of(box, st.sampled_from([b for b, _ in near] or [(0.0, 0.0, 5.0, 5.0)])),
                                       label, st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])), max_size=8))  # fmt: skip
        found.append(
            {
                "boxes": [b for b, _, _ in each],
                "classes": [c for _, c, _ in each],
                "scores": [s for _, _, s in each],
            }
        )
    return truth, found


@given(pictures())
def test_it_is_what_pycocotools_computes(case: tuple[list[Boxes], list[Found]]) -> None:
    truth, found = case
    if not any(one["boxes"] for one in found):
        return
    expected = coco_of(truth, found)
    computed = precision_of(truth, found)
    if (expected < 0).all():
        assert np.isnan(computed).all()
    else:
        np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-12)


def test_every_object_found_is_one_and_none_found_is_nothing() -> None:
    truth = [boxes((0, 0, 10, 10), (20, 20, 40, 40), classes=[0, 1])]
    exact: Found = {"boxes": truth[0].corners.tolist(), "scores": [0.9, 0.8], "classes": [0, 1]}
    np.testing.assert_allclose(precision_of(truth, [exact]), 1)
    np.testing.assert_allclose(precision_of(truth, [{"boxes": [], "scores": [], "classes": []}]), 0)


def test_a_box_counts_up_to_its_overlap() -> None:
    truth = [boxes((0, 0, 10, 10))]
    found: Found = {"boxes": [(0, 0, 10, 7.6)], "scores": [0.9], "classes": [0]}
    assert precision_of(truth, [found]).round(6).tolist() == [1.0] * 6 + [0.0] * 4


def test_a_second_box_on_the_same_object_is_wrong() -> None:
    truth = [boxes((0, 0, 10, 10), (50, 50, 60, 60))]
    found: Found = {
        "boxes": [(0, 0, 10, 10), (0, 0, 10, 10), (50, 50, 60, 60)],
        "scores": [0.9, 0.8, 0.7],
        "classes": [0, 0, 0],
    }
    precision = precision_of(truth, [found])[0]
    assert precision == pytest.approx(
        (51 * 1 + 50 * 2 / 3) / 101
    )  # recall 0.5 at precision 1, recall 1 at 2/3


@given(pictures(), st.data())
def test_a_picture_that_counts_twice_is_a_picture_twice(
    case: tuple[list[Boxes], list[Found]], data: st.DataObject
) -> None:
    truth, found = case
    # Scores that differ everywhere: between equal ones the order of pictures decides.
    counter = iter(np.linspace(0.9, 0.1, 100))
    found = [{**one, "scores": [float(next(counter)) for _ in one["scores"]]} for one in found]
    times = [data.draw(st.integers(0, 3)) for _ in truth]
    twice_truth = [one for one, count in zip(truth, times, strict=True) for _ in range(count)]
    twice_found = [one for one, count in zip(found, times, strict=True) for _ in range(count)]
    if twice_truth:
        np.testing.assert_allclose(
            precision_of(truth, found, [float(count) for count in times]),
            precision_of(twice_truth, twice_found),
            atol=1e-12,
        )
