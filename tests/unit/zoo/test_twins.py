"""Networks with published figures have twins in the zoo: the same layers, joined in the same way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from axemu import zoo
from axemu.zoo import count

pytestmark = pytest.mark.slow

GRAPHS = [
    "densenet121",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b4",
    "mobilenet_v2",
    "mobilenetv4_small",
    "mobilenetv4_large",
    "mobilenetv4_aa_large",
    "regnet_x_400mf",
    "regnet_x_1_6gf",
    "regnet_y_1_6gf",
    "resnet10t",
    "resnet18",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "squeezenet1_0",
    "squeezenet1_1",
    "yolov5n",
    "yolov5s",
    "yolov5m",
    "yolov5l",
    "yolov8n",
    "yolov8s",
    "yolov8m",
    "yolov8l",
    "yolov8n-seg",
    "yolov8s-seg",
    "yolov8l-seg",
    "yolov8s-pose",
    "yolov8m-pose",
    "yolov8n-obb",
    "yolov8l-obb",
    "yolov10n",
    "yolov10b",
    "yolo11n",
    "yolo11s",
    "yolo11m",
    "yolo11x",
    "yolo11n-seg",
    "yolo11l-pose",
    "yolo11n-obb",
    "yolo26s",
    "yolo26l",
    "yolo26n-seg",
    "yolo26x-seg",
    "yolo26m-pose",
]
CLASSES = {"yolo11l-pose": 80, "yolo26m-pose": 80}
"""What the published graph was exported with, where it is not the zoo's number."""

DEFAULTS: dict[str, Any] = {"group": 1, "ceil_mode": 0, "count_include_pad": 0, "transA": 0, "transB": 0}
COMPARED = [
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "group",
    "axis",
    "perm",
    "ceil_mode",
    "count_include_pad",
    "mode",
    "nearest_mode",
    "coordinate_transformation_mode",
    "transA",
    "transB",
]
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "BatchNormalization")

Layer = tuple[Any, ...]


@pytest.fixture
def published(shared_dir: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((shared_dir / "calibration" / "published_fps.json").read_text())
    return {row["graph"]: row for row in rows}


def described(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, Layer, list[Any]]]:
    """Yield each node that depends on the input, what it does, and its inputs: tensor names or constants."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        info.name: tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        for info in (*graph.input, *graph.value_info, *graph.output)
    }
    constants: dict[str, Any] = {}
    for tensor in graph.initializer:
        small = numpy_helper.to_array(tensor) if len(tensor.dims) < 2 else None
        value = None if small is None or small.size > 8 else tuple(np.round(small.astype(float), 6).ravel())
        constants[tensor.name] = (tuple(tensor.dims), value)
    for node in graph.node:
        if all(name in constants or not name for name in node.input):
            constants.update({name: (shapes[name], None) for name in node.output})
            continue
        attributes = DEFAULTS | {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if attributes.get("axis", 0) < 0:
            attributes["axis"] += len(shapes[node.output[0]])
        kept = tuple((name, str(attributes[name])) for name in COMPARED if name in attributes)
        sources: list[Any] = [constants.get(name, name) for name in node.input]
        if node.op_type in WEIGHTED:  # weights compare by shape alone
            sources[1:] = [(shape, None) for shape, _ in sources[1:]]
        if node.op_type == "Reshape":  # the result's shape says it
            del sources[1:]
        if node.op_type == "Slice" and sources[4:] == [((1,), (1.0,))]:  # the default step, spelled out
            del sources[4:]
        fixed = tuple(source for source in sources if not isinstance(source, str))
        yield node, (node.op_type, kept, fixed, tuple(shapes[name] for name in node.output)), sources


def layers(model: onnx.ModelProto) -> Counter[Layer]:
    return Counter(layer for _, layer, _ in described(model))


def wiring(model: onnx.ModelProto) -> list[int]:
    """Give each output a number that depends on all layers it is computed from and on how they are joined."""
    digests: dict[str, int] = {}
    for node, layer, sources in described(model):
        inputs = [digests.get(source, 0) if isinstance(source, str) else hash(source) for source in sources]
        if node.op_type in ("Add", "Mul"):
            inputs.sort()
        for index, name in enumerate(node.output):
            digests[name] = hash((layer, tuple(inputs), index))
    return [digests[output.name] for output in model.graph.output]


def twin_of(name: str) -> onnx.ModelProto:
    return zoo.find(name).build(structure_only=True, classes=CLASSES.get(name))


@pytest.mark.parametrize("name", GRAPHS)
def test_has_the_layers_of_the_published_graph(name: str, shared_dir: Path) -> None:
    reference = onnx.load(shared_dir / "calibration" / "graphs" / f"{name}.onnx")
    wanted, found = layers(reference), layers(twin_of(name))
    assert (wanted - found, found - wanted) == (Counter(), Counter())


@pytest.mark.parametrize("name", GRAPHS)
def test_joins_them_in_the_same_way(name: str, shared_dir: Path) -> None:
    reference = onnx.load(shared_dir / "calibration" / "graphs" / f"{name}.onnx")
    assert wiring(twin_of(name)) == wiring(reference)


def test_covers_every_published_graph_at_its_resolution(published: dict[str, dict[str, Any]]) -> None:
    assert sorted(published) == sorted(GRAPHS)
    for name in GRAPHS:
        height, width = zoo.find(name).resolution
        assert f"{height}x{width}" == published[name]["resolution"]


@pytest.mark.parametrize("name", GRAPHS)
def test_agrees_with_the_published_operations(name: str, published: dict[str, dict[str, Any]]) -> None:
    model = twin_of(name)
    kept = [node for node in model.graph.node if node.op_type not in ("MatMul", "ConvTranspose")]
    del model.graph.node[:]
    model.graph.node.extend(kept)  # the published counts leave these operators out
    assert round(count(model).macs / 1e9, 4) == published[name]["GMACs"]


def test_tells_networks_apart(shared_dir: Path) -> None:
    reference = onnx.load(shared_dir / "calibration" / "graphs" / "resnet18.onnx")
    other = zoo.find("resnet18").build(structure_only=True)
    adds = [node for node in other.graph.node if node.op_type == "Add"]
    adds[-1].input[1] = adds[-3].output[0]
    assert wiring(other) != wiring(reference)
    assert layers(zoo.find("resnet34").build(structure_only=True)) != layers(reference)
