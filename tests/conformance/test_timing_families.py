"""A larger sister of a network is a slower one, whether it was ever measured or not."""

from __future__ import annotations

import functools
import itertools

import pytest
from tests._sizes import sample

from axemu.studies import Scenario, Target, load_target, predict

FAMILIES = (
    ("yolov8s", "yolov8m", "yolov8l"),
    ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    ("efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"),
    ("mobilenetv4_small", "mobilenetv4_medium", "mobilenetv4_large"),
    ("regnet_x_400mf", "regnet_x_1_6gf"),
    ("regnet_y_400mf", "regnet_y_1_6gf"),
    ("yolov5n", "yolov5s", "yolov5m", "yolov5l"),
    ("yolov8n", "yolov8s", "yolov8m", "yolov8l"),
    ("yolov8n-seg", "yolov8s-seg", "yolov8m-seg", "yolov8l-seg"),
    ("yolov8n-pose", "yolov8s-pose", "yolov8m-pose", "yolov8l-pose"),
    ("yolov8n-obb", "yolov8l-obb"),
    ("yolo11n", "yolo11s", "yolo11m", "yolo11l", "yolo11x"),
    ("yolo11n-seg", "yolo11s-seg", "yolo11m-seg", "yolo11l-seg", "yolo11x-seg"),
    ("yolo11n-pose", "yolo11s-pose", "yolo11m-pose", "yolo11l-pose", "yolo11x-pose"),
    ("yolo11n-obb", "yolo11s-obb", "yolo11m-obb", "yolo11l-obb", "yolo11x-obb"),
)
"""Networks of one kind and input size, smallest first. The first is the quick sample."""


@functools.cache
def loaded(network: str) -> Target:
    return load_target(network, 1)


@pytest.mark.parametrize("family", FAMILIES[: sample(1, len(FAMILIES))], ids="-".join)
@pytest.mark.parametrize("board", ["pcie", "m2"])
def test_rates_fall_with_the_size_of_the_network(family: tuple[str, ...], board: str) -> None:
    rates = [predict(Scenario(name, board=board), loaded(name)).host_fps for name in family]
    assert all(larger < smaller for smaller, larger in itertools.pairwise(rates)), rates
