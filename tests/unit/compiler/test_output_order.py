"""The order in which the chip's inputs and outputs reach the client: as the vendor's compiler has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from tests.unit.compiler._networks import Net, data, run_float

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler._quantise import Prepared, prepare
from axelera.compiler.frontend import extract_postamble
from axemu import zoo

pytestmark = pytest.mark.slow

SIDES = (20, 10, 5)


def prepared(model: onnx.ModelProto) -> Prepared:
    return prepare(model, CompilerConfig())


def output_shapes(model: onnx.ModelProto) -> list[tuple[int, ...]]:
    """NCHW shapes of the chip's outputs without the batch, in the order of model.json."""
    return [port.shape[1:] for port in prepared(model).network.outputs]


def levels(*channels: int, sides: tuple[int, ...] = SIDES) -> list[tuple[int, int, int]]:
    """All levels of the first kind of map, then all of the next."""
    return [(count, side, side) for count in channels for side in sides]


@pytest.mark.parametrize("family", ["yolov8n", "yolo11n"])
@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("", levels(64, 15)),
        ("-pose", levels(64, 15, 51)),
        ("-seg", [*levels(64, 15, 32), (32, 40, 40)]),
        (
            "-obb",
            levels(64, 1, 15),
        ),  # turning the boxes needs the angles, so these are met before the classes
    ],
)
def test_heads_return_one_kind_of_map_after_the_other(
    family: str, task: str, expected: list[tuple[int, ...]]
) -> None:
    assert output_shapes(zoo.find(family + task).build(resolution=160, classes=15)) == expected


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("", levels(4, 15)),
        ("-pose", levels(4, 15, 51)),
        ("-seg", [*levels(4, 15, 32), (32, 40, 40)]),
        ("-obb", levels(4, 1, 15)),
    ],
)
def test_heads_without_bins_do_so_too(task: str, expected: list[tuple[int, ...]]) -> None:
    assert output_shapes(zoo.find(f"yolo26n{task}").build(resolution=160, classes=15)) == expected


def test_a_detector_has_the_outputs_of_the_vendors_directory(material: Path) -> None:
    manifest = json.loads((material / "vendor" / "tracker2d" / "manifest.json").read_text())
    found = prepared(zoo.find("yolov8n").build(classes=3))
    assert [list(port.shape) for port in found.network.outputs] == manifest["output_shapes_original"]


def test_the_postamble_takes_its_inputs_as_the_vendors_does(material: Path) -> None:
    theirs = onnx.load(material / "vendor" / "tracker2d" / "postprocess_graph.onnx").graph
    found = prepared(zoo.find("yolov8n").build(classes=3))
    ours = extract_postamble(found.model, found.part)
    assert ours is not None

    def shapes(graph: onnx.GraphProto) -> list[list[int]]:
        return [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.input]

    assert shapes(ours.graph) == shapes(theirs)


Join = Callable[[Net, list[list[str]]], tuple[str, str]]


def joined_levels(net: Net, maps: list[list[str]]) -> tuple[str, str]:
    """Join box and class maps of a level, flatten, join the levels, part boxes from classes: YOLOv8 as first exported."""
    extents = net.constant(np.array([1, 12, -1], np.int64))
    flat = [net.add("Reshape", net.add("Concat", *pair, axis=1), extents) for pair in maps]
    return parted(net, net.add("Concat", *flat, axis=2))


def flat_levels(net: Net, maps: list[list[str]]) -> tuple[str, str]:
    """Flatten each map first."""
    sizes = [net.constant(np.array([1, count, -1], np.int64)) for count in (8, 4)]
    flat = [
        net.add("Concat", *(net.add("Reshape", *item) for item in zip(pair, sizes, strict=True)), axis=1)
        for pair in maps
    ]
    return parted(net, net.add("Concat", *flat, axis=-1))


def halved_levels(net: Net, maps: list[list[str]]) -> tuple[str, str]:
    """Boxes in two halves, which lie side by side in what is joined."""
    extents = net.constant(np.array([1, 12, -1], np.int64))
    flat = []
    for box, kind in maps:
        halves = net.split(box, [4, 4])
        flat.append(net.add("Reshape", net.add("Concat", *halves, kind, axis=1), extents))
    return parted(net, net.add("Concat", *flat, axis=2))


def parted(net: Net, whole: str) -> tuple[str, str]:
    first, second = net.split(whole, [8, 4])
    return first, second


def joined_head(join: Join) -> onnx.ModelProto:
    net = Net((1, 3, 16, 16))
    x, maps = net.conv("x", 3, 16), []
    for _ in range(3):
        x = net.add("Relu", net.conv(x, 16, 16, strides=[2, 2], pads=[1, 1, 1, 1]))
        maps.append([net.conv(x, 16, 8, 1), net.conv(x, 16, 4, 1)])
    boxes, classes = join(net, maps)
    # Something that only the host can do on either part, so that the joining stays with the host as well.
    return net.model(net.add("Concat", net.add("Exp", boxes), net.add("Tan", classes), axis=1))


JOINS = [joined_levels, flat_levels]


@pytest.mark.parametrize("join", [*JOINS, halved_levels])
def test_boxes_come_before_classes_where_a_head_joins_and_parts_them(join: Join) -> None:
    assert [shape[0] for shape in output_shapes(joined_head(join))][-3:] == [4, 4, 4]


@pytest.mark.parametrize("join", JOINS)
def test_parts_are_read_where_they_were_joined(join: Join) -> None:
    model = prepared(joined_head(join)).model
    assert "Split" not in [node.op_type for node in model.graph]


@pytest.mark.parametrize("join", [*JOINS, halved_levels])
def test_cancelling_keeps_values(join: Join) -> None:
    model = joined_head(join)
    sample = data((1, 3, 16, 16), 1)[0]
    clean = ir.to_proto(prepared(model).model)
    np.testing.assert_allclose(run_float(clean, sample)[0], run_float(model, sample)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [[6, 6], [4, 8]])
def test_parts_across_the_joint_stay_a_split(sizes: list[int]) -> None:
    net = Net((1, 3, 8, 8))
    whole = net.add("Concat", net.conv("x", 3, 8), net.conv("x", 3, 4), axis=1)
    first, second = net.split(whole, sizes)
    model = net.model(net.add("Exp", first), net.add("Exp", second))
    assert "Concat" in [node.op_type for node in prepared(model).model.graph]


def test_what_others_read_stays_joined() -> None:
    net = Net((1, 3, 8, 8))
    whole = net.add("Concat", net.conv("x", 3, 8), net.conv("x", 3, 4), axis=1)
    first, second = net.split(whole, [8, 4])
    model = net.model(net.add("Exp", first), net.add("Exp", second), net.add("Exp", whole))
    assert "Split" in [node.op_type for node in prepared(model).model.graph]


def test_outputs_of_the_network_keep_its_order_between_those_of_the_host() -> None:
    net = Net((1, 3, 8, 8))
    direct, late, early = net.conv("x", 3, 4), net.conv("x", 3, 5), net.conv("x", 3, 6)
    model = net.model(net.add("Exp", early), direct, net.add("Exp", late))
    assert [shape[0] for shape in output_shapes(model)] == [6, 4, 5]


def test_operands_count_from_left_to_right() -> None:
    net = Net((1, 3, 8, 8))
    left, right = net.conv("x", 3, 4), net.conv("x", 3, 4)
    model = net.model(net.add("Sub", net.add("Exp", right), net.add("Exp", left)))
    names = [port.value for port in prepared(model).network.outputs]
    assert names == [right, left]


def test_what_is_read_twice_counts_where_it_is_met_first() -> None:
    net = Net((1, 3, 8, 8))
    one, other = net.conv("x", 3, 4), net.conv("x", 3, 4)
    total = net.add("Mul", net.add("Exp", other), net.add("Exp", one))
    model = net.model(net.add("Sub", total, net.add("Tan", one)))
    assert [port.value for port in prepared(model).network.outputs] == [other, one]


def test_inputs_keep_the_networks_order_whoever_is_read_first() -> None:
    net = Net((1, 3, 8, 8))
    x = net.add("Add", net.conv("y", 3, 4), net.conv("x", 3, 4))
    model = net.model(x)
    second = onnx.ValueInfoProto()
    second.CopyFrom(model.graph.input[0])
    second.name = "y"
    model.graph.input.append(second)
    assert [port.value for port in prepared(model).network.inputs] == ["x", "y"]


def test_the_order_reaches_model_json(tmp_path: Path) -> None:
    model = joined_head(joined_levels)
    quantised = compiler.quantize(model, iter(data((1, 3, 16, 16), 2)), CompilerConfig())
    compiler.compile(quantised, CompilerConfig(), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [shape[1:] for shape in manifest["output_shapes_original"]] == [
        list(shape) for shape in levels(8, 4, sides=(7, 4, 2))
    ]
