"""Programs that the tests plan."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from axemu.model.program import Attribute, Node, Program, Tensor

Shape = tuple[int, int, int]


class Sketch:
    """A program written down tensor by tensor."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.tensors = {"in": Tensor("in", (height, width, channels))}
        self.nodes: list[Node] = []

    def shape(self, name: str) -> Shape:
        return self.tensors[name].shape

    def add(
        self, op: str, inputs: Sequence[str], shape: Shape, name: str = "", **attributes: Attribute
    ) -> str:
        name = name or f"{op}{len(self.nodes)}"
        self.tensors[name] = Tensor(name, shape)
        self.nodes.append(Node(op, name, tuple(inputs), name, attributes))
        return name

    def conv(self, source: str, outputs: int, kernel: int = 1, stride: int = 1, name: str = "") -> str:
        height, width, _ = self.shape(source)
        pad = kernel // 2
        return self.add(
            "conv",
            [source],
            (-(-height // stride), -(-width // stride), outputs),
            name,
            kernel=(kernel, kernel),
            strides=(stride, stride),
            pads=(pad, pad, pad, pad),
            group=1,
        )

    def lut(self, source: str) -> str:
        return self.add("lut", [source], self.shape(source), function="silu")

    def channels(self, source: str, start: int, size: int) -> str:
        height, width, _ = self.shape(source)
        return self.add(
            "slice",
            [source],
            (height, width, size),
            starts=(0, 0, start),
            sizes=(height, width, size),
            steps=(1, 1, 1),
        )

    def concat(self, *sources: str) -> str:
        height, width, _ = self.shape(sources[0])
        return self.add(
            "concat", sources, (height, width, sum(self.shape(one)[2] for one in sources)), axis=2
        )

    def program(self, *outputs: str) -> Program:
        return Program("sketch", 1, self.tensors, tuple(self.nodes), ("in",), outputs)


def unreplicated(program: Program) -> int:
    """Bytes of the weights of what is left after views, channels padded to 64; depthwise weights are a word a tap."""
    total = 0
    for node in program.nodes:
        if node.op == "conv":
            kernel = node.attributes["kernel"]
            assert isinstance(kernel, tuple)
            channels = [program.tensors[name].shape[2] for name in (node.inputs[0], node.output)]
            inputs, outputs = (-(-count // 64) for count in channels)
            depthwise = node.attributes["group"] == channels[0] == channels[1] > 1
            total += kernel[0] * kernel[1] * 64 * outputs * (1 if depthwise else 64 * inputs)
    return total


@functools.cache
def yolov8n() -> Program:
    """YOLOv8n of the zoo for 3 classes."""
    from axelera.compiler import structure_program
    from axemu.zoo import find

    return structure_program(find("yolov8n").build(structure_only=True, classes=3))


@functools.cache
def tracker() -> Program:
    """YOLOv8n for 3 classes as the published program has it: its SPPF starts with a convolution without SiLU."""
    program = yolov8n()
    before_sppf = "/sppf/cv1/Conv_output_0"
    (table,) = [node for node in program.nodes if node.inputs == (before_sppf,)]
    nodes = tuple(
        replace(node, inputs=tuple(before_sppf if name == table.output else name for name in node.inputs))
        for node in program.nodes
        if node is not table
    )
    return replace(program, nodes=nodes)


@functools.cache
def pointnet() -> Program:
    """The point network of the same repository: 255 points of four values, padded to rows of 16 pixels."""
    net = Sketch(255, 16, 4)
    points = net.add(
        "slice", ["in"], (255, 1, 4), "unpad", starts=(0, 0, 0), sizes=(255, 1, 4), steps=(1, 1, 1)
    )
    reflectance = net.conv(points, 1, name="select_reflectance")
    xyz = net.conv(points, 3, name="select_xyz")
    centroid = net.add(
        "avg_pool", [xyz], (1, 1, 3), "centroid_pool", kernel=(255, 1), strides=(1, 1), pads=(0, 0, 0, 0)
    )
    centred = net.add("sub", [xyz, centroid], (255, 1, 3), "sub")
    features = net.concat(centred, reflectance)
    for number, outputs in enumerate((32, 64, 128)):
        features = net.conv(features, outputs, name=f"point_mlp.{3 * number}")
    pooled = net.add(
        "max_pool", [features], (1, 1, 128), "global_pool", kernel=(255, 1), strides=(1, 1), pads=(0, 0, 0, 0)
    )
    head = net.conv(net.conv(pooled, 64, name="head.0"), 32, name="head.2")
    last = net.conv(head, 8, name="head.4")
    padded = net.conv(centroid, 8, name="pad_centroid_to_head")
    total = net.add("add", [last, padded], (1, 1, 8), "add")
    out = net.add("pad", [total], (1, 1, 64), "pad", before=(0, 0, 0), after=(0, 0, 56), value=0)
    return net.program(out)


def crowded() -> Program:
    """Two maps of one size that L1 holds, but not beside the weights of the operator that reads both."""
    net = Sketch(160, 170, 64)
    first = net.conv("in", 64)
    second = net.conv(first, 64)
    return net.program(net.add("add", [net.conv(second, 64, 7), first], net.shape(first)))
