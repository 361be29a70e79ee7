"""A detector can express no score above the highest that calibration saw; whoever calibrates with the wrong images is told."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from tests.unit.compiler._networks import Net

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig

SHAPE = (1, 3, 16, 16)


def detector(*, sigmoid: bool = True) -> onnx.ModelProto:
    """Boxes and scores of two strides in one output, as exporters write them; the scores grow with the image's brightness."""
    net = Net(SHAPE)
    parts = []
    for stride in (2, 4):
        weight = np.full((2, 3, stride, stride), 1 / (3 * stride * stride), np.float32)
        bias = net.constant(np.full(2, -4, np.float32))
        scores = net.add("Conv", "x", net.constant(weight), bias, strides=[stride, stride])
        boxes = net.conv("x", 3, 4, kernel=stride, strides=[stride, stride])
        flat = net.add(
            "Reshape", net.add("Concat", boxes, scores, axis=1), net.constant(np.array([1, 6, -1]))
        )
        parts.append(flat)
    boxes, scores = net.split(net.add("Concat", *parts, axis=2), [4, 2])
    return net.model(net.add("Concat", boxes, net.add("Sigmoid" if sigmoid else "Relu", scores), axis=1))


def images(brightest: float) -> list[np.ndarray]:
    return [np.full(SHAPE, value, np.float32) for value in np.linspace(0, brightest, 4)]


def calibrated(model: onnx.ModelProto, brightest: float) -> AxeleraQuantizedModel:
    return compiler.quantize(model, images(brightest), CompilerConfig())


def test_a_detector_that_saw_nothing_of_what_it_looks_for_is_told_with_its_maps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = calibrated(detector(), brightest=4.2)
    told = model.report["scores"]
    assert [one["tensor"] for one in told] == ["Conv_0", "Conv_4"]
    assert [one["highest"] for one in told] == pytest.approx([0.55, 0.55], abs=0.01)
    assert (
        "Calibration saw no score above 0.55 in Conv_4 (and little in 1 other maps of scores)" in caplog.text
    )
    bright = np.full(SHAPE, 8, np.float32)
    assert model(bright)[0, 4:].max() == pytest.approx(0.55, abs=0.03), "the warning is true"


def test_one_that_saw_it_is_not(caplog: pytest.LogCaptureFixture) -> None:
    model = calibrated(detector(), brightest=8)
    assert [one["highest"] for one in model.report["scores"]] == pytest.approx([0.98, 0.98], abs=0.01)
    assert "Calibration saw no score" not in caplog.text
    assert model(np.full(SHAPE, 8, np.float32))[0, 4:].max() == pytest.approx(0.98, abs=0.01)


def test_other_outputs_and_the_gates_inside_a_network_are_no_scores(caplog: pytest.LogCaptureFixture) -> None:
    net = Net(SHAPE)
    x = net.conv("x", 3, 8)
    gated = net.add("Mul", x, net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", x), 8, 8, kernel=1)))
    silu = net.add("Mul", gated, net.add("Sigmoid", gated))
    for model in (net.model(net.conv(silu, 8, 4)), detector(sigmoid=False)):
        assert calibrated(model, brightest=1).report["scores"] == []
    assert "Calibration saw no score" not in caplog.text
