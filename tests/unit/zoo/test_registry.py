"""Networks are found by name and built as their arguments say."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axemu import zoo

pytestmark = pytest.mark.slow

FAMILIES = [
    "resnet10t",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenetv4_small",
    "mobilenetv4_medium",
    "mobilenetv4_aa_large",
    "efficientnet_b0",
    "densenet121",
    "inception_v3",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "unet",
    "yolov5n",
    "yolov8n",
    "yolov8n-seg",
    "yolov8n-pose",
    "yolov8n-obb",
    "yolov10n",
    "yolov10s",
    "yolo11n",
    "yolo11n-seg",
    "yolo11n-pose",
    "yolo11n-obb",
    "yolo26n",
    "yolo26n-seg",
    "yolo26n-pose",
    "yolo26n-obb",
    "yolo26n-cls",
]
WIDTHS = [0.1, 1.7, *(pytest.param(width, marks=pytest.mark.full) for width in (0.13, 0.37, 0.9, 2.3))]


def shape(info: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("resnet50", "resnet50"),
        ("resnet50-imagenet-onnx", "resnet50"),
        ("ResNet50-ImageNet", "resnet50"),
        ("mobilenetv2-imagenet-onnx", "mobilenet_v2"),
        ("squeezenet1.0-imagenet-onnx", "squeezenet1_0"),
        ("yolov8n-coco-onnx", "yolov8n"),
        ("yolo11s-coco-onnx", "yolo11s"),
        ("yolov5s-v7-coco-onnx", "yolov5s"),
        ("yolov8npose-coco-onnx", "yolov8n-pose"),
        ("yolov8n-obb-dotav1-onnx", "yolov8n-obb"),
        ("yolov10b-coco-onnx", "yolov10b"),
        ("yolo26nseg-coco-onnx", "yolo26n-seg"),
        ("YOLO26m-pose", "yolo26m-pose"),
        ("yolo26x-cls-imagenet-onnx", "yolo26x-cls"),
        ("ResNet-50", "resnet50"),
        ("ResNet-50 v1.5", "resnet50"),
        ("Wide ResNet-50", "wide_resnet50_2"),
        ("RegNetY-1.6GF", "regnet_y_1_6gf"),
        ("MobileNetV4-aa_large", "mobilenetv4_aa_large"),
    ],
)
def test_finds_a_network_by_any_of_its_names(asked: str, name: str) -> None:
    assert zoo.find(asked).name == name


@pytest.mark.parametrize(
    "name", ["regnet_x_16gf", "squeezenet11", "resnet5-0", "resnet18/..", "../resnet18", "", "-"]
)
def test_another_number_or_sign_is_another_name(name: str) -> None:
    with pytest.raises(zoo.UnknownNetworkError):
        zoo.find(name)


def test_a_name_like_no_other_is_told_where_all_names_are() -> None:
    with pytest.raises(zoo.UnknownNetworkError, match="`axemu zoo list` prints all names"):
        zoo.find("vgg16")


def test_an_unknown_name_gets_proposals() -> None:
    with pytest.raises(
        zoo.UnknownNetworkError, match=r"no network named 'resnet51' in the zoo: did you mean resnet"
    ):
        zoo.find("resnet51")


def test_holds_the_families_people_ask_about() -> None:
    names = {network.name for network in zoo.networks()}
    for family, variants, suffixes in (
        ("yolov5", "nsml", [""]),
        ("yolov8", "nsml", ["", "-seg", "-pose"]),
        ("yolov10", "nsmblx", [""]),
        ("yolo11", "nsmlx", ["", "-seg", "-pose", "-obb"]),
        ("yolo26", "nsmlx", ["", "-seg", "-pose", "-obb", "-cls"]),
    ):
        assert {f"{family}{v}{s}" for v in variants for s in suffixes} <= names
    assert {"yolov8n-obb", "yolov8l-obb", "unet", "inception_v3", "mobilenetv4_large"} <= names
    assert {f"efficientnet_b{index}" for index in range(5)} <= names
    assert len(names) == len(zoo.networks())


@pytest.mark.parametrize("name", FAMILIES)
def test_classes_and_resolution_reach_the_outputs(name: str) -> None:
    network = zoo.find(name)
    model = network.build(resolution=(96, 160), classes=7, structure_only=True)
    onnx.checker.check_model(model, full_check=True)
    (image,), outputs = model.graph.input, [shape(output) for output in model.graph.output]
    assert shape(image) == (1, 3, 96, 160)
    cells = 96 * 160 // 64 + 96 * 160 // 256 + 96 * 160 // 1024
    extra = {"-seg": 32, "-pose": 51, "-obb": 1}
    if name == "yolov5n":
        assert outputs == [(1, 36, 12, 20), (1, 36, 6, 10), (1, 36, 3, 5)]
    elif name.startswith("yolo") and not name.endswith("-cls"):
        assert outputs[0] == (1, 4 + 7 + extra.get(name[name.find("-") :], 0), cells)
        assert outputs[1:] == ([(1, 32, 24, 40)] if name.endswith("-seg") else [])
    else:
        assert outputs == [(1, 7, 96, 160) if name == "unet" else (1, 7)]


@pytest.mark.parametrize("name", FAMILIES)
def test_width_scales_the_network(name: str) -> None:
    network = zoo.find(name)
    side = 96
    narrow = network.build(resolution=side, width=0.5, structure_only=True)
    onnx.checker.check_model(narrow, full_check=True)
    assert (
        zoo.count(narrow).parameters
        < zoo.count(network.build(resolution=side, structure_only=True)).parameters
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FAMILIES)
def test_runs_at_any_width_and_at_its_smallest_size(name: str, width: float) -> None:
    step = {"unet": 16, "yolov5n": 32}.get(name, 32 if name.startswith("yolo") else 1)
    height = 75 if name == "inception_v3" else 32
    model = zoo.find(name).build(
        resolution=(height, height + 3 * step), classes=3, width=width, structure_only=True
    )
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"images": np.ones((1, 3, height, height + 3 * step), np.float32)})
    assert [output.shape for output in outputs] == [shape(output) for output in model.graph.output]


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_1_6gf"])
def test_a_narrow_network_halves_the_plane_as_often(name: str) -> None:
    def strides(width: float) -> list[int]:
        model = zoo.find(name).build(width=width, structure_only=True)
        return [
            attribute.ints[0]
            for node in model.graph.node
            for attribute in node.attribute
            if attribute.name == "strides" and "proj" not in node.name
        ]

    assert strides(0.1) == strides(1.0)


def test_more_weights_than_a_file_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axemu.zoo._emitter.LARGEST", 40_000_000)
    with pytest.raises(
        ValueError, match=r"resnet18: more than 0\.04 GB of weights, which no ONNX file holds"
    ):
        zoo.find("resnet18").build()
    zoo.find("resnet18").build(structure_only=True)


@pytest.mark.parametrize("name", FAMILIES)
def test_declared_shapes_are_those_that_inference_finds(name: str) -> None:
    model = zoo.find(name).build(resolution=96, structure_only=True)
    declared = {info.name: shape(info) for info in (*model.graph.value_info, *model.graph.output)}
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    found = {info.name: shape(info) for info in (*inferred.value_info, *inferred.output)}
    assert {name: found[name] for name in declared} == declared


@given(st.sampled_from(["squeezenet1_1", "mobilenetv4_small", "regnet_y_400mf"]), st.integers(0, 2**32))
@settings(max_examples=6)
def test_the_same_arguments_give_the_same_bytes(name: str, seed: int) -> None:
    network = zoo.find(name)
    first, second = (
        network.build(resolution=64, seed=seed).SerializeToString(deterministic=True) for _ in range(2)
    )
    assert first == second
    assert first != network.build(resolution=64, seed=seed + 1).SerializeToString(deterministic=True)


def test_threads_build_alike() -> None:
    wanted = zoo.find("squeezenet1_1").build(resolution=64).SerializeToString()
    built: list[bytes] = []

    def build() -> None:
        built.append(zoo.find("squeezenet1_1").build(resolution=64).SerializeToString())

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [wanted] * 4


@pytest.mark.parametrize("name", ["mobilenetv4_small", "yolo11n-seg"])
def test_leaving_weights_out_leaves_the_graph_alone(name: str) -> None:
    def wiring(model: onnx.ModelProto) -> list[tuple[str, list[str], list[str]]]:
        nodes = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
        return [(node.op_type, list(node.input), list(node.output)) for node in nodes]

    network = zoo.find(name)
    assert wiring(network.build(structure_only=True)) == wiring(network.build())


def test_a_structure_only_file_is_small_and_runs() -> None:
    data = zoo.find("resnet18").build(structure_only=True).SerializeToString()
    assert len(data) < 100_000
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"images": np.zeros((1, 3, 224, 224), np.float32)})
    assert logits.shape == (1, 1000)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "resnet18",
            {"resolution": 16},
            "resnet18: height 16 of the input: expected 32 to 4096$",
        ),
        (
            "yolov8n",
            {"resolution": (640, 650)},
            "yolov8n: width 650 of the input: expected 32 to 4096 in steps of 32",
        ),
        ("inception_v3", {"resolution": 64}, "inception_v3: height 64 of the input: expected 75 to 4096"),
        ("unet", {"classes": 0}, "unet: 0 classes: expected 1 to 100000"),
        ("unet", {"width": 0.01}, "unet: width factor 0.01: expected 0.1 to 4"),
    ],
)
def test_arguments_out_of_range_are_named(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zoo.find(name).build(**arguments)


def test_importing_the_zoo_does_not_import_onnx() -> None:
    code = "import sys, axemu.zoo as z; z.find('resnet50').macs; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_numbers_of_numpy_are_numbers() -> None:
    network = zoo.find("resnet18")
    plain = network.build(resolution=(64, 96), classes=10, seed=3, structure_only=True)
    for resolution in (np.array([64, 96]), [np.int64(64), np.int64(96)]):
        assert plain == network.build(
            resolution=resolution, classes=np.int32(10), seed=np.uint8(3), structure_only=True
        )
    square = network.build(resolution=np.int64(64), structure_only=True)
    assert square == network.build(resolution=64, structure_only=True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"resolution": ()}, r"resolution \(\): expected height and width"),
        ({"resolution": (3, 64, 64)}, r"resolution \(3, 64, 64\): expected height and width"),
        ({"resolution": (64.0, 64)}, r"height 64\.0: expected an integer"),
        ({"resolution": (64, "64")}, r"width '64': expected an integer"),
        ({"classes": 10.5}, r"classes 10\.5: expected an integer"),
        ({"seed": None}, r"seed None: expected an integer"),
        ({"seed": -1}, r"seed -1"),
    ],
)
def test_other_numbers_are_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"resnet18: {told}"):
        zoo.find("resnet18").build(**arguments, structure_only=True)
