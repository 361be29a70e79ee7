"""On random input no activation of a zoo network vanishes, explodes or dies."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from axemu import zoo

pytestmark = pytest.mark.slow

QUICK = (
    "resnet10t",
    "mobilenetv4_small",
    "efficientnet_b0",
    "squeezenet1_1",
    "yolov5n",
    "yolov8n-seg",
    "yolov10n",
    "yolo11n-pose",
    "yolo26n-seg",
)
EVERY = [network.name for network in zoo.networks()]


def images(height: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shape = (1, 3, height, width)
    return {
        "normal": rng.standard_normal(shape, dtype=np.float32),
        "uniform": rng.random(shape, dtype=np.float32),
    }


def complaints(model: onnx.ModelProto, image: np.ndarray, measure) -> list[str]:
    """Return the activations outside the promise.

    Probabilities over n places can't spread further than 1/sqrt(n): they are taken relative to their mean.
    """
    found = []
    shares: set[str] = {
        name for node in model.graph.node if node.op_type == "Softmax" for name in node.output
    }
    shares |= {n.output[0] for n in model.graph.node if n.op_type == "Transpose" and n.input[0] in shares}
    for item in measure(model, image):
        std = item.std / item.mean if item.name in shares else item.std
        if not 0.1 <= std <= 10 or item.zeros >= 0.9:
            found.append(f"{item.name}: std {std:.3f}, zeros {item.zeros:.0%}")
    return found


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("name", QUICK)
def test_small_networks_keep_their_size(name: str, kind: str, measure) -> None:
    network = zoo.find(name)
    side = min(network.resolution[0], 320)
    model = network.build(resolution=side)
    onnx.checker.check_model(model)
    assert complaints(model, images(side, side)[kind], measure) == []


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", EVERY)
def test_every_network_keeps_its_size_at_its_resolution(name: str, measure) -> None:
    model = zoo.find(name).build()
    onnx.checker.check_model(model)
    for image in images(*zoo.find(name).resolution).values():
        assert complaints(model, image, measure) == []


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize(
    "name",
    [
        "resnet50",
        "mobilenet_v2",
        "densenet121",
        "regnet_x_400mf",
        "yolov8n",
        "yolov10s",
        "yolo11n",
        "yolo26n",
    ],
)
def test_other_seeds_keep_their_size(name: str, seed: int, measure) -> None:
    network = zoo.find(name)
    side = min(network.resolution[0], 320)
    assert complaints(network.build(resolution=side, seed=seed), images(side, side)["normal"], measure) == []


def test_estimates_agree_with_what_onnx_runtime_computes(measure) -> None:
    from axemu.zoo._graph import Graph

    graph = Graph("probe", seed=3, structure_only=False)
    x = graph.input(3, 64, 64)
    values = [x]
    for channels in (64, 64, 128, 128, 128):
        values.append(graph.conv(values[-1], channels, 3))
        values.append(graph.silu(values[-1]))
    values += [graph.global_pool(values[-1])]
    model = graph.finish([graph.linear(graph.flatten(values[-1]), 200)])
    measured = {item.name: item for item in measure(model, images(64, 64)["normal"])}
    for value in values[1:]:
        if "GlobalAveragePool" not in value.name:
            assert measured[value.name].std == pytest.approx(float(value.sample.std()), rel=0.25)
