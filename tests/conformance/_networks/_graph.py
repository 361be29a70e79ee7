"""A network under construction: nodes, constants, and the shapes of the maps made so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
Shape = tuple[int, ...]

IR_VERSION = 8
VALUES = ("normal", "unit", "image", "negative", "small")
"""What the inputs of a network hold: normal numbers, 0..1, 0..255, negative ones, or ones near 0.001."""


@dataclass(frozen=True, slots=True)
class Map:
    """A value of the network and its shape, batch included."""

    name: str
    shape: Shape

    @property
    def channels(self) -> int:
        return self.shape[1]

    @property
    def plane(self) -> Shape:
        return self.shape[2:]


class Graph:
    """Nodes and constants; every choice is taken from `random`, so that one stream of numbers is one network."""

    def __init__(self, random: Random, opset: int) -> None:
        self.random, self.opset = random, opset
        self.numbers = np.random.default_rng(random.getrandbits(32))
        self.values = self.pick(*VALUES) if self.chance(2) else VALUES[0]
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: list[Map] = []
        self.maps: list[Map] = []
        self.weights: dict[Shape, str] = {}

    def chance(self, one_in: int) -> bool:
        """Say yes once in `one_in` times; a network shrinks towards no."""
        return self.random.randrange(one_in) == one_in - 1

    def pick(self, *options: Any) -> Any:
        return options[self.random.randrange(len(options))]

    def input(self, shape: Shape) -> Map:
        source = Map(f"input{len(self.inputs)}", shape)
        self.inputs.append(source)
        self.maps.append(source)
        return source

    def constant(self, array: Any) -> str:
        name = f"constant{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(array), name)
        return name

    def numbers_of(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def weight(self, shape: Shape, fan: int) -> str:
        """Return normal weights, sometimes with channels of unlike size; sometimes those of an earlier layer."""
        if shape in self.weights and self.chance(3):
            return self.weights[shape]
        array = self.numbers.standard_normal(shape) * np.sqrt(2 / max(fan, 1))
        if self.chance(4):
            array *= np.exp(self.numbers.standard_normal((shape[0], *(1,) * (len(shape) - 1))))
        self.weights[shape] = self.constant(array.astype(np.float32))
        return self.weights[shape]

    def bias(self, count: int) -> str:
        return self.constant((self.numbers.standard_normal(count) * 0.2).astype(np.float32))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Append a node and return the names of its outputs."""
        number = len(self.nodes)
        names = [f"{op.lower()}{number}" + (f"_{index}" if index else "") for index in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"node{number}", **attributes))
        return names

    def map(self, op: str, *inputs: str, shape: Shape, **attributes: Any) -> Map:
        """Append a node of one output of a known shape."""
        return Map(self.add(op, *inputs, **attributes)[0], shape)

    def model(self, outputs: Sequence[str]) -> onnx.ModelProto:
        """Return the part of the network that the outputs need."""
        constants = list(self.constants.values())
        return model_of(self.nodes, constants, self.inputs, outputs, self.opset, self.values)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[onnx.TensorProto],
    inputs: Sequence[Map],
    outputs: Sequence[str],
    opset: int,
    values: str,
) -> onnx.ModelProto:
    """Return a model of the nodes that the outputs need; its graph is named after the values of its inputs."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    return helper.make_model(
        helper.make_graph(
            kept[::-1],
            values,
            [
                helper.make_tensor_value_info(source.name, TensorProto.FLOAT, source.shape)
                for source in inputs
                if source.name in needed
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [tensor for tensor in constants if tensor.name in needed],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=IR_VERSION,
    )
