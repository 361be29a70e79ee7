"""Collects nodes, names and weights of an ONNX graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from axemu.zoo._signal import CHANNELS, PLACES, Field, Sample

OPSET = 17
IR_VERSION = 8
CONSTANT_WEIGHT = 0.02
CONSTANT_FROM = 64  # elements from which a weight becomes a ConstantOfShape node
LARGEST = 2_000_000_000  # bytes of weights; an ONNX file can't exceed 2 GiB


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of the graph under construction: its name, its shape and a sample of its values."""

    name: str
    shape: tuple[int, ...]
    sample: Sample

    @property
    def channels(self) -> int:
        """Size of axis 1."""
        return self.shape[1]


class Emitter:
    """Collects nodes and weights.

    Args:
        name: name of the network.
        seed: seed of the weights.
        structure_only: weights become `ConstantOfShape` nodes (the file is small, the values mean nothing).
    """

    def __init__(self, name: str, *, seed: int, structure_only: bool) -> None:
        self.name = name
        self._rng = np.random.default_rng(seed)
        self._structure_only = structure_only
        self.field = Field(np.random.default_rng(17))
        self._nodes: list[onnx.NodeProto] = []
        self._fills: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._weight_bytes = 0
        self._inputs: list[onnx.ValueInfoProto] = []
        self._values: list[Value] = []
        self._scope: list[str] = []
        self._names: dict[str, int] = {}
        self._small: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    @contextmanager
    def scope(self, *parts: str | int) -> Iterator[None]:
        """Put the nodes made inside under a path, as an exporter does with modules."""
        self._scope.extend(str(part) for part in parts)
        yield
        del self._scope[-len(parts) :]

    def _unique(self, leaf: str) -> str:
        base = "/" + "/".join([*self._scope, leaf])
        count = self._names.get(base, 0)
        self._names[base] = count + 1
        return base if count == 0 else f"{base}_{count}"

    def constant(self, array: NDArray[np.generic], name: str = "const") -> Value:
        """Add a small constant; equal constants are shared."""
        key = (array.dtype.str, array.tobytes(), array.shape)
        if key not in self._small:
            self._small[key] = self._unique(name)
            self._initializers.append(numpy_helper.from_array(array, self._small[key]))
        sample = np.full((CHANNELS, PLACES), float(np.mean(array.astype(np.float64))))
        return Value(self._small[key], tuple(array.shape), sample)

    def ints(self, *values: int) -> Value:
        """Add a list of int64, such as the sizes of a split."""
        return self.constant(np.array(values, dtype=np.int64), "shape")

    def draw(
        self, leaf: str, shape: tuple[int, ...], std: float, mean: float = 0.0, *, centred: int | None = None
    ) -> str:
        """Add a weight with normally distributed values, with sums of zero along an axis, and return its name."""
        name = self._unique(leaf)
        count = math.prod(shape)
        if self._structure_only and count >= CONSTANT_FROM:
            fill = helper.make_tensor("value", TensorProto.FLOAT, [1], [CONSTANT_WEIGHT])
            sizes = numpy_helper.from_array(np.array(shape, dtype=np.int64), f"{name}/shape")
            self._initializers.append(sizes)
            self._fills.append(
                helper.make_node("ConstantOfShape", [f"{name}/shape"], [name], name=name, value=fill)
            )
            return name
        self._weight_bytes += 4 * count
        if self._weight_bytes > LARGEST:
            msg = (
                f"{self.name}: more than {LARGEST / 1e9:g} GB of weights, which no ONNX file holds: "
                "build it narrower, with fewer classes or for its structure only"
            )
            raise ValueError(msg)
        values = self._rng.standard_normal(count, dtype=np.float32)
        if centred is not None:
            rows = values.reshape(shape)
            rows -= rows.mean(axis=centred, keepdims=True)
        scale = std
        if 1 < count < 1 << 16:  # few values: take their own spread out
            scale = std / max(float(np.sqrt(np.mean(np.square(values)))), 1e-3)
        values *= np.float32(scale)
        values += np.float32(mean)
        tensor = TensorProto(
            name=name,
            data_type=TensorProto.FLOAT,
            dims=shape,
            raw_data=values.astype("<f4", copy=False).tobytes(),
        )
        self._initializers.append(tensor)
        return name

    def node(
        self,
        op: str,
        inputs: Sequence[Value | str],
        shapes: Sequence[tuple[int, ...]],
        sample: Sample,
        **attributes: Any,
    ) -> list[Value]:
        """Append a node; `shapes` has one entry per output."""
        name = self._unique(op)
        outputs = [f"{name}_output_{index}" for index in range(len(shapes))]
        names = [item.name if isinstance(item, Value) else item for item in inputs]
        self._nodes.append(helper.make_node(op, names, outputs, name=name, **attributes))
        values = [Value(output, shape, sample) for output, shape in zip(outputs, shapes, strict=True)]
        self._values.extend(values)
        return values

    def input(self, channels: int, height: int, width: int) -> Value:
        """Declare the network's input, float32 `[1, channels, height, width]`."""
        shape = (1, channels, height, width)
        self._inputs.append(helper.make_tensor_value_info("images", TensorProto.FLOAT, shape))
        return Value("images", shape, self.field.white())

    def finish(self, outputs: Sequence[Value]) -> onnx.ModelProto:
        """Close the graph: its outputs are named `output0`, `output1` and so on."""
        renamed = {value.name: f"output{index}" for index, value in enumerate(outputs)}
        for node in self._nodes:
            node.input[:] = [renamed.get(name, name) for name in node.input]
            node.output[:] = [renamed.get(name, name) for name in node.output]
        infos = [helper.make_tensor_value_info(renamed[v.name], TensorProto.FLOAT, v.shape) for v in outputs]
        inner = [
            helper.make_tensor_value_info(v.name, TensorProto.FLOAT, v.shape)
            for v in self._values
            if v.name not in renamed
        ]
        graph = helper.make_graph(
            [*self._fills, *self._nodes], self.name, self._inputs, infos, self._initializers, value_info=inner
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="axemu.zoo"
        )
        model.ir_version = IR_VERSION
        return model
