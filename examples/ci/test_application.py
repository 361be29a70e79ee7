"""What the application promises, on emulated boards or on a card (`--metis-driver=native`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from application import Reader

from axelera.runtime import Context, DeviceInUse

MODEL = Path("build/digits/1/model.json")


@pytest.fixture
def images() -> npt.NDArray[np.float32]:
    with np.load("build/digits/test.npz") as test:
        return np.asarray(test["images"])


@pytest.fixture
def labels() -> list[int]:
    with np.load("build/digits/test.npz") as test:
        return [int(label) for label in test["labels"]]


@pytest.fixture
def reader(metis_context: Context) -> Reader:
    return Reader(metis_context, MODEL)


def test_at_least_98_percent_are_right(reader, images, labels):
    right = sum(answer == label for answer, label in zip(reader.read(images), labels, strict=True))
    assert right >= 0.98 * len(labels)


def test_the_answers_are_the_same_every_time(reader, images):
    assert reader.read(images[:40]) == reader.read(images[:40])


@pytest.mark.metis_time
def test_each_core_keeps_up_with_a_camera_of_60_fps(reader, images, metis_fps):
    reader.read(images[:80])
    for instance in reader.instances:
        assert metis_fps(instance) >= 60  # holds in all of the prediction's band


@pytest.mark.usefixtures("reader")
def test_a_busy_board_is_refused_and_not_waited_for(metis_context):
    with pytest.raises(DeviceInUse):
        Reader(metis_context, MODEL)
