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
    ("yolov10n", "yolov10s", "yolov10b", "yolov10l", "yolov10x"),
    ("yolo11n", "yolo11s", "yolo11m", "yolo11l", "yolo11x"),
    ("yolo11n-seg", "yolo11s-seg", "yolo11m-seg", "yolo11l-seg", "yolo11x-seg"),
    ("yolo11n-pose", "yolo11s-pose", "yolo11m-pose", "yolo11l-pose", "yolo11x-pose"),
    ("yolo11n-obb", "yolo11s-obb", "yolo11m-obb", "yolo11l-obb", "yolo11x-obb"),
    ("yolo26n", "yolo26s", "yolo26m", "yolo26l", "yolo26x"),
    ("yolo26n-seg", "yolo26s-seg", "yolo26m-seg", "yolo26l-seg", "yolo26x-seg"),
    ("yolo26n-pose", "yolo26s-pose", "yolo26m-pose", "yolo26l-pose", "yolo26x-pose"),
    ("yolo26n-obb", "yolo26s-obb", "yolo26m-obb", "yolo26l-obb", "yolo26x-obb"),
    ("yolo26n-cls", "yolo26s-cls", "yolo26m-cls", "yolo26l-cls", "yolo26x-cls"),
)
"""Networks of one kind and input size, smallest first. The first is the quick sample."""


@functools.cache
def loaded(network: str) -> Target:
    return load_target(network, 1)


@pytest.mark.parametrize("family", FAMILIES[: sample(1, len(FAMILIES))], ids="-".join)
@pytest.mark.parametrize("board", ["pcie", pytest.param("m2", marks=pytest.mark.full)])
def test_rates_fall_with_the_size_of_the_network(family: tuple[str, ...], board: str) -> None:
    rates = [predict(Scenario(name, board=board), loaded(name)).host_fps for name in family]
    assert all(larger < smaller for smaller, larger in itertools.pairwise(rates)), rates


@pytest.mark.full
@pytest.mark.xfail(
    strict=True,
    reason="YOLOv10m's parts of 48 channels are joined by shifting kernels, which takes longer than YOLOv10b's wider layers",
)
@pytest.mark.parametrize("board", ["pcie", "m2"])
def test_a_detector_of_width_three_quarters_is_no_exception(board: str) -> None:
    smaller, larger = (
        predict(Scenario(name, board=board), loaded(name)).host_fps for name in ("yolov10m", "yolov10b")
    )
    assert larger < smaller
