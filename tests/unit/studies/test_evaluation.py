"""Judging two networks on the same pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from axelera.compiler.quantisation import Seen, digest, digest_of_frame
from axemu.driver import InvalidArgument
from axemu.studies.evaluation import (
    Calibration,
    Classification,
    Detection,
    Picture,
    UserMetric,
    calibration_of,
    coco_pictures,
    evaluate,
    figures,
    labelled_pictures,
    overlapping,
    pictures_in,
)

CLASSES = 8


def image(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight classes, a picture each, whose red is ten times the class."""
    for number in range(CLASSES):
        image(tmp_path / "images" / str(number) / "a.png", 10 * number)
    return tmp_path / "images"


def red(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32)[:1, :1, 0].reshape(1, 1)


def scores_of(truth: Callable[[int], int]) -> Callable[[np.ndarray], list[np.ndarray]]:
    """A network that sees class `truth(n)` in a picture of class n, the next classes after it."""

    def side(value: np.ndarray) -> list[np.ndarray]:
        seen = truth(round(float(value.item()) / 10))
        return [np.array([-((number - seen) % CLASSES) for number in range(CLASSES)], np.float32)]

    return side


TASK = Classification(red, CLASSES, "red")


def test_the_class_itself_is_top_1_and_the_first_five_are_top_5(folder: Path) -> None:
    pictures = labelled_pictures(folder, CLASSES)
    right, next_but_one = scores_of(lambda n: n), scores_of(lambda n: (n - 2) % CLASSES)
    far = scores_of(lambda n: (n - 5) % CLASSES)
    for side, expected in ((right, [1, 1]), (next_but_one, [0, 1]), (far, [0, 0])):
        found = evaluate(TASK, pictures, side, right)
        assert [figure.name for figure in found.figures] == ["top-1", "top-5"]
        assert [figure.int8.value for figure in found.figures] == expected
        assert [figure.float_.value for figure in found.figures if figure.float_] == [1, 1]
        assert [figure.difference.value for figure in found.figures if figure.difference] == [
            e - 1 for e in expected
        ]


def test_of_equal_scores_the_lower_class_comes_first() -> None:
    ranks = [TASK.judge([np.zeros(CLASSES)], Picture(Path(), "", label), None) for label in range(CLASSES)]
    assert ranks == list(range(CLASSES))


def test_an_output_of_another_size_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="has 3 values, and there are 8 classes"):
        TASK.judge([np.zeros(3)], Picture(Path(), "x", 0), None)


def test_without_a_float_network_nothing_is_compared(folder: Path) -> None:
    (first, _) = evaluate(TASK, labelled_pictures(folder, CLASSES), scores_of(lambda n: n)).figures
    assert (first.float_, first.difference) == (None, None)


# Intervals.


def mean_of(values: Iterable[float]) -> Any:
    kept = np.array(list(values), float)
    return lambda weights: {"mean": float(weights @ kept / weights.sum())}


def test_an_interval_is_about_that_of_a_normal_mean() -> None:
    values = np.random.default_rng(0).random(400)
    (figure,) = figures(mean_of(values), None, 400, resamples=2000)
    half = 1.96 * values.std() / 20
    assert figure.int8.value == values.mean()
    assert figure.int8.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert figure.int8.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_the_difference_is_of_the_same_pictures() -> None:
    values = np.random.default_rng(0).random(100)
    (figure,) = figures(mean_of(values - 0.25), mean_of(values), 100)
    assert figure.difference is not None
    assert figure.difference.low == pytest.approx(-0.25)
    assert figure.difference.high == pytest.approx(-0.25)
    assert figure.int8.high - figure.int8.low > 0.05


def test_more_confidence_is_a_wider_interval_and_the_same_draws_the_same_one() -> None:
    values = mean_of(np.random.default_rng(0).random(100))
    wide, narrow = (figures(values, None, 100, confidence=c)[0].int8 for c in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert figures(values, None, 100) == figures(values, None, 100)


def test_one_picture_has_no_interval() -> None:
    (figure,) = figures(mean_of([0.5]), None, 1)
    assert figure.int8.value == 0.5
    assert np.isnan([figure.int8.low, figure.int8.high]).all()


# What is true of pictures.


def test_directories_are_numbers_names_or_as_many_as_classes(folder: Path, tmp_path: Path) -> None:
    assert [picture.label for picture in labelled_pictures(folder, 1000)] == list(range(CLASSES))
    for name in ("dog", "cat"):
        image(tmp_path / "named" / name / "a.png", 1)
    named = tmp_path / "named"
    assert [(p.name, p.label) for p in labelled_pictures(named, 2)] == [("cat/a.png", 0), ("dog/a.png", 1)]
    assert [p.label for p in labelled_pictures(named, 4, ["dog", "x", "cat", "y"])] == [2, 0]
    with pytest.raises(
        InvalidArgument, match="'cat' is neither a number nor one of the names of the 3 classes"
    ):
        labelled_pictures(named, 3)
    with pytest.raises(InvalidArgument, match="class 7; the network has 7, counted from 0"):
        labelled_pictures(folder, 7)


def test_a_file_says_what_pictures_show(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        image(tmp_path / "images" / name, 1)
    labels = tmp_path / "labels.csv"
    labels.write_text("a.png,3\nb.png,cat\n")
    found = labelled_pictures(tmp_path / "images", 9, ["dog", "cat"], labels)
    assert [(picture.name, picture.label) for picture in found] == [("a.png", 3), ("b.png", 1)]
    for text, words in (
        ("a.png\n", "line 1: expected image,class"),
        ("a" * 200_000 + ",1\n", "labels.csv: no table of comma-separated values"),
        ("gone.png,1\n", "1 images are not below .*gone.png"),
    ):
        labels.write_text(text)
        with pytest.raises(InvalidArgument, match=words):
            labelled_pictures(tmp_path / "images", 9, (), labels)
    with pytest.raises(InvalidArgument, match="not in a directory per class; say what they show: --labels"):
        labelled_pictures(tmp_path / "images", 9)


def coco(tmp_path: Path, **changes: Any) -> Path:
    content = {
        "images": [{"id": 5, "file_name": "b.png"}, {"id": 9, "file_name": "a.png"}],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 7, "bbox": [1, 2, 10, 20]},
            {"id": 2, "image_id": 9, "category_id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        ],
    } | changes
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(content))
    return path


def test_annotations_in_cocos_format_are_boxes_by_picture(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        image(tmp_path / "images" / name, 1)
    (first, second), classes = coco_pictures(tmp_path / "images", coco(tmp_path))
    assert (first.name, second.name, classes) == ("a.png", "b.png", 2)
    assert first.boxes is not None
    assert first.boxes.corners.tolist() == [[1, 2, 11, 22], [0, 0, 5, 5]]
    assert first.boxes.classes.tolist() == [1, 0]  # in the order of ids
    assert first.boxes.crowd.tolist() == [False, True]
    assert second.boxes is not None
    assert len(second.boxes.corners) == 0
    (named, _), classes = coco_pictures(tmp_path / "images", coco(tmp_path), names=["x", "dog", "cat"])
    assert named.boxes is not None
    assert (named.boxes.classes.tolist(), classes) == ([1, 2], 3)


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"images": [{"id": 5, "file_name": "gone.png"}]}, {}, "image gone.png of the annotations is not in"),
        ({"images": [{"id": 5, "file_name": "../images/a.png/../../secret.png"}]}, {}, "is not in"),
        ({"annotations": [{"image_id": 5, "category_id": 4, "bbox": [1, 2, 3, 4]}]}, {}, "no annotations in COCO's format"),
        ({"annotations": [{"image_id": 5, "category_id": 3, "bbox": [1, 2]}]}, {}, "no annotations in COCO's format"),
        ({"annotations": [{"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 10**400]}]}, {}, "no annotations in COCO's format"),
        ({}, {"classes": 80}, "2 categories and 80 classes of the network; say which is which: --names"),
        ({}, {"names": ["cat"]}, "categories dog are not among the names"),
    ],
)  # fmt: skip
def test_annotations_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    for name in ("a.png", "b.png"):
        image(tmp_path / "images" / name, 1)
    image(tmp_path / "secret.png", 1)
    with pytest.raises(InvalidArgument, match=words):
        coco_pictures(tmp_path / "images", coco(tmp_path, **changes), **options)


# Detection.


def test_detection_maps_boxes_back_to_the_picture_and_scores_them(tmp_path: Path) -> None:
    directory = tmp_path / "images"
    directory.mkdir()
    Image.new("RGB", (200, 100)).save(directory / "a.png")
    Image.new("RGB", (100, 100)).save(directory / "b.png")
    task = Detection(classes=2, size=(50, 50))
    pictures, _ = coco_pictures(
        directory,
        coco(
            tmp_path,
            annotations=[
                {"id": 1, "image_id": 9, "category_id": 3, "bbox": [40, 20, 80, 40]},
                {"id": 2, "image_id": 5, "category_id": 7, "bbox": [0, 0, 50, 50]},
            ],
        ),
    )
    # a.png is scaled by 1/4 and 12 below the top; b.png by 1/2. A cell says centre, size and two scores.
    cells = {
        25.0: [[20, 22, 20, 10, 0.9, 0.1], [20, 22.1, 20, 10, 0.8, 0.1]],  # right, and a double
        50.0: [[12.5, 12.5, 25, 25, 0.1, 0.7], [40, 40, 10, 10, 0.95, 0]],  # right, and one that is not there
    }

    def side(value: np.ndarray) -> list[np.ndarray]:
        rows = 25.0 if (value[0, 0, 0] > 0.4).all() else 50.0  # the border of a wide picture is grey
        return [np.array([*cells[rows], *[[0] * 6] * 8], np.float32).T[np.newaxis]]

    figures_ = {figure.name: figure.int8.value for figure in evaluate(task, pictures, side).figures}
    assert figures_["mAP 50"] == pytest.approx(
        (0.5 + 1) / 2, abs=0.01
    )  # class 0: a wrong one comes first of two
    assert figures_["mAP 75"] == figures_["mAP 50"]


# A metric of the user's.


def test_a_metric_of_the_users_is_averaged(folder: Path) -> None:
    def brightest(outputs: list[np.ndarray], path: Path) -> dict[str, float]:
        assert path.is_file()
        return {"best": float(outputs[0].argmax()), "one": 1}

    found = evaluate(UserMetric(red, brightest), pictures_in(folder), scores_of(lambda n: n)).figures
    assert [(figure.name, figure.int8.value) for figure in found] == [("best", 3.5), ("one", 1)]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (lambda *_: 1 / 0, "raised ZeroDivisionError"),
        (lambda *_: "good", "returned 'good'; expected a number"),
        (lambda *_: float("nan"), "says nan"),
        (lambda _, path: {path.parent.name: 1.0}, r"names \['1'\], before it named \['0'\]"),
    ],
)
def test_a_metric_that_does_not_work_is_named(folder: Path, metric: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        evaluate(UserMetric(red, metric), pictures_in(folder), scores_of(lambda n: n))


# Going on with what an interrupt left.


def test_an_interrupted_evaluation_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    pictures = labelled_pictures(folder, CLASSES)
    journal = tmp_path / "journal.jsonl"
    right = scores_of(lambda n: n)
    seen: list[int] = []

    def interrupted(value: np.ndarray) -> list[np.ndarray]:
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(1)
        return right(value)

    with pytest.raises(KeyboardInterrupt):
        evaluate(TASK, pictures, interrupted, right, journal=journal)
    with journal.open("ab") as file:
        file.write(b'{"picture": "5/a.png", "int8": 0')  # cut off
    again: list[int] = []

    def counting(value: np.ndarray) -> list[np.ndarray]:
        again.append(1)
        return right(value)

    found = evaluate(TASK, pictures, counting, right, journal=journal)
    assert (len(again), found.resumed) == (3, 5)
    assert found.figures == evaluate(TASK, pictures, right, right).figures
    assert evaluate(TASK, pictures, counting, right, journal=journal).resumed == 8
    assert len(again) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"axemu evaluation":1,"task":"other"}\n',
            "belongs to an evaluation with task 'other' instead of 'classification'",
        ),
        ("something else\n", "line 1: not written here"),
        ("something else", "not written here"),
        ("[1]\n", "not written here"),
    ],
)
def test_a_journal_of_something_else_is_refused_and_kept(
    folder: Path, tmp_path: Path, text: str, words: str
) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text(text)
    with pytest.raises(InvalidArgument, match=words):
        evaluate(TASK, labelled_pictures(folder, CLASSES), scores_of(lambda n: n), journal=journal)
    assert journal.read_text() == text


# Calibration images.


def test_pictures_of_the_calibration_are_found_by_their_pixels_or_by_the_networks_input(
    folder: Path, tmp_path: Path
) -> None:
    seen = Seen()
    items = [Image.new("RGB", (4, 4), (0, 0, 0)), (np.full((4, 4, 3), [10, 0, 0], np.uint8), "label"), 5]
    assert list(seen.items(items)) == items
    frames = [{"x": np.full((1, 1), 20, np.float32)}]
    assert list(seen.frames(frames)) == frames
    report = tmp_path / "model" / "report.json"
    report.parent.mkdir()
    report.write_text(json.dumps({"calibration": seen.to_json()}))
    calibration = calibration_of(report.parent / "model.json")
    assert calibration is not None
    assert (calibration.count, len(calibration.digests)) == (1, 3)
    pictures = labelled_pictures(folder, CLASSES)
    assert [known for _, known in overlapping(calibration, pictures, TASK)] == [
        True,
        True,
        True,
        *[False] * 5,
    ]


def test_a_model_that_does_not_say_is_told_from_one_that_makes_no_sense(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    assert calibration_of(model) is None
    (tmp_path / "report.json").write_text('{"model": "x"}')
    assert calibration_of(model) is None
    for told in ("5", '{"count": 1e999, "items": [], "samples": []}'):
        (tmp_path / "report.json").write_text(f'{{"calibration": {told}}}')
        with pytest.raises(InvalidArgument, match="says nothing sensible of the calibration"):
            calibration_of(model)
    assert Calibration(0, frozenset()).count == 0


def test_digests_are_of_content() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert digest(pixels) == digest(Image.fromarray(pixels)) == digest(np.asfortranarray(pixels))
    assert digest(pixels) != digest(pixels[::-1]) != digest(pixels.reshape(2, 8, 3))
    frame = np.arange(6, dtype=np.float32)
    assert (
        digest_of_frame([frame])
        == digest_of_frame([frame.reshape(1, 2, 3)])
        != digest_of_frame([frame, frame])
    )
