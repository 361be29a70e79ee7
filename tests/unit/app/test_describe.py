"""From a name or path to what is known of a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axelera.runtime import InvalidArgument, op
from axemu.app import create_inference_stream, describe, pipeline
from axemu.testing import write_small_model

INFO = {
    "task": "classification",
    "num_classes": 10,
    "input_tensor_shape": [1, 3, 8, 8],
    "dataset": "imagenet",
    "network": "small",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "1").mkdir()
    return write_small_model(tmp_path / "1").path


def say(model: Path, **changes: Any) -> None:
    (model.parent.parent / "model_info.json").write_text(json.dumps(INFO | changes))


def test_classes_have_the_names_that_are_known(model: Path) -> None:
    say(model)
    assert describe(model).class_type(3) == 3
    say(model, labels=[f"number {index}" for index in range(10)])
    assert describe(model).class_type(3).name == "number 3"
    say(model, num_classes=1000)
    assert describe(model.parent).class_type is op.ImagenetClasses


@pytest.mark.parametrize(
    ("network", "dataset", "family"),
    [("yolo11n-seg", "coco", "yolo11"), ("yolov8n", "coco", "yolov8"), ("resnet50", "imagenet", "")],
)
def test_families_follow_from_the_networks_name(model: Path, network: str, dataset: str, family: str) -> None:
    say(model, network=network, dataset=dataset)
    assert describe(model).family == family


def test_what_does_not_say_enough_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no model_info\.json with task"):
        describe(model)
    (tmp_path / "model_info.json").write_text("{")
    with pytest.raises(InvalidArgument, match="damaged"):
        describe(model)
    with pytest.raises(InvalidArgument, match="'nosuchnet' is neither a file nor a network of the zoo"):
        describe("nosuchnet")
    say(model, task="poetry")
    with pytest.raises(InvalidArgument, match="nothing is known for the task 'poetry'"):
        pipeline(describe(model))
    with pytest.raises(InvalidArgument, match="sources: none given"):
        create_inference_stream(model, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"num_classes": True},
        {"num_classes": -1},
        {"input_tensor_shape": [1, 3, None, 8]},
        {"input_tensor_shape": [1, 3, "wide", 8]},
        {"labels": 5},
        {"labels": ["only one"]},
        {"labels": [""] * 10},
    ],
)
def test_a_model_info_that_is_nonsense_is_refused(model: Path, changes: dict[str, Any]) -> None:
    say(model, **changes)
    with pytest.raises(InvalidArgument, match=r"model_info\.json"):
        describe(model)


@pytest.mark.usefixtures("own_boards")
def test_frames_of_several_sources_take_turns(model: Path) -> None:
    """The small model hands its first ten values back, negated: the darkest of the first row is the best class."""
    say(model)
    bright = np.full((8, 8, 3), 255, np.uint8)
    images = []
    for index in range(4):
        image = bright.copy()
        image[0, index, 2] = 0  # red, as arrays are BGR
        images.append(image)
    with create_inference_stream(model, [iter(images), iter(images[:2])], top=1) as stream:
        frames = list(stream)
    assert [(frame.stream_id, frame.number) for frame in frames] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (0, 2),
        (0, 3),
    ]
    assert [frame.objects[0].class_id for frame in frames] == [0, 0, 3, 3, 6, 9]
    assert frames[0].picture().shape == (8, 8, 3)
    assert [frame.number for frame in create_inference_stream(model, images, frames=3)] == [0, 1, 2]


@pytest.mark.usefixtures("own_boards")
def test_a_stopped_stream_reads_no_further(model: Path) -> None:
    say(model)
    read: list[int] = []

    def source() -> Any:
        for index in range(100):
            read.append(index)
            yield np.zeros((8, 8, 3), np.uint8)

    with create_inference_stream(model, source()) as stream:
        for frame in stream:
            if frame.number == 3:
                stream.stop()
    assert len(read) <= 9
