"""Sizes of the networks agree with what other packages build, and with the counts that the zoo hands out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from axemu import zoo

pytestmark = pytest.mark.slow

REFERENCE = json.loads(Path(__file__).with_name("reference_counts.json").read_text(encoding="utf-8"))
EVERY = [network.name for network in zoo.networks()]


def learned(model: onnx.ModelProto) -> dict[str, int]:
    """Weights, operations and number of the convolutions and fully connected layers that training fits."""
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "ConstantOfShape":
            sizes = next(t for t in model.graph.initializer if t.name == node.input[0])
            shapes[node.output[0]] = tuple(numpy_helper.to_array(sizes))
    kept = [
        node
        for node in model.graph.node
        if node.op_type in ("Conv", "ConvTranspose", "Gemm") and "/bins" not in node.input[1]
    ]
    weights = sum(int(np.prod(shapes[node.input[1]])) for node in kept)
    fixed = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    del model.graph.node[:]
    model.graph.node.extend([*fixed, *kept])
    return {"weights": weights, "macs": zoo.count(model).macs, "layers": len(kept)}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_agrees_with_another_package(name: str) -> None:
    wanted = {key: value for key, value in REFERENCE[name].items() if key != "source"}
    assert learned(zoo.find(name).build(structure_only=True)) == wanted


def test_every_network_but_one_has_a_reference() -> None:
    assert set(EVERY) - set(REFERENCE) == {"unet"}


def test_unet_agrees_with_the_figure_of_its_paper() -> None:
    sides, channels = [256 >> level for level in range(5)], [64 << level for level in range(5)]
    weights = macs = 0
    for level, (side, now) in enumerate(zip(sides, channels, strict=True)):
        before = channels[level - 1] if level else 3
        inner = [before * now * 9, now * now * 9]  # on the way down
        if level < 4:
            inner += [
                2 * now * now * 9,
                now * now * 9,
                2 * now * now,
            ]  # up: two layers and half of the enlargement
            weights += 3 * 2 * now * now  # the other three quarters of its 2 × 2 weights
        weights += sum(inner)
        macs += side * side * sum(inner)
    weights, macs = weights + 64 * 19, macs + 256 * 256 * 64 * 19
    assert learned(zoo.find("unet").build(structure_only=True)) == {
        "weights": weights,
        "macs": macs,
        "layers": 23,
    }


@pytest.mark.parametrize("name", EVERY)
def test_the_registry_serves_what_the_build_holds(name: str) -> None:
    network = zoo.find(name)
    counts = zoo.count(network.build(structure_only=True))
    assert (network.parameters, network.macs) == (counts.parameters, counts.macs)


def test_leaving_weights_out_changes_no_count() -> None:
    network = zoo.find("mobilenetv4_small")
    assert zoo.count(network.build()) == zoo.count(network.build(structure_only=True))


def test_counts_a_grouped_convolution_and_a_product() -> None:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y"], group=2, pads=[1, 1, 1, 1]),
        helper.make_node("MatMul", ["y", "y"], ["z"]),
    ]
    weights = [
        numpy_helper.from_array(np.zeros((6, 2, 3, 3), np.float32), "w"),
        numpy_helper.from_array(np.zeros(6, np.float32), "b"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, (1, 4, 5, 5))],
        [value("z", TensorProto.FLOAT, (1, 6, 5, 5))],
        weights,
    )
    counts = zoo.count(helper.make_model(graph))
    assert counts.parameters == 6 * 2 * 9 + 6
    assert counts.macs == 6 * 25 * 2 * 9 + 6 * 5 * 5 * 5


def test_an_unknown_shape_is_named() -> None:
    value = helper.make_tensor_value_info
    node = helper.make_node("Gemm", ["x", "w"], ["y"], name="last")
    inputs = [value("x", TensorProto.FLOAT, (1, 4)), value("w", TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph([node], "g", inputs, [value("y", TensorProto.FLOAT, None)]))
    with pytest.raises(ValueError, match="node last: the shape of tensor w is unknown"):
        zoo.count(model)
