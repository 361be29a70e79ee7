"""Small float networks with seeded weights, written node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tests._onnxruntime import integer_options

from axelera.compiler import AxeleraQuantizedModel
from axemu.model import ops

Array = npt.NDArray[np.float32]


class Net:
    """A network under construction: `add` returns the name of the new value."""

    def __init__(self, shape: Sequence[int | str], opset: int = 17, seed: int = 0) -> None:
        self.shape, self.opset = tuple(shape), opset
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Any, name: str | None = None) -> str:
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"{op}_{len(self.nodes)}_{i}" if i else f"{op}_{len(self.nodes)}" for i in range(outputs)]
        self.nodes.append(
            helper.make_node(op, list(inputs), names, name=f"node_{len(self.nodes)}_{op}", **attributes)
        )
        return names[0]

    def split(self, x: str, sizes: Sequence[int], axis: int = 1) -> list[str]:
        """Part a value along an axis."""
        first = self.add("Split", x, self.constant(np.array(sizes, np.int64)), outputs=len(sizes), axis=axis)
        return [first, *(f"{first}_{index}" for index in range(1, len(sizes)))]

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 3, **attributes: Any) -> str:
        group = attributes.get("group", 1)
        shape = (outputs, inputs // group, kernel, kernel)
        fan = inputs // group * kernel * kernel
        weight = self.constant((self.random.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32))
        bias = self.constant((self.random.standard_normal(outputs) * 0.1).astype(np.float32))
        return self.add("Conv", x, weight, bias, kernel_shape=[kernel, kernel], **attributes)

    def model(self, *outputs: str, name: str = "net") -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
            self.constants,
        )
        for output in graph.output:
            output.type.tensor_type.shape.SetInParent()
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(_without_output_shapes(model))


def _without_output_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model


def run_float(model: onnx.ModelProto, *inputs: Array) -> list[Array]:
    """The network's outputs in float, by ONNX Runtime."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(),
        integer_options(unsigned=model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8),
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["Pad_Fusion"],  # it moves a zero Pad into MaxPool, where padding never wins
    )
    return list(session.run(None, dict(zip([v.name for v in session.get_inputs()], inputs, strict=True))))


def run_quantised(
    quantised: AxeleraQuantizedModel, *inputs: Array, numerics: ops.Numerics = "metis"
) -> list[Array]:
    """The network's outputs by the specification of its integer program, between the host's parts."""
    program = quantised.program
    values = quantised.prepare(dict(zip(quantised.input_names, inputs, strict=True)))
    feeds = {
        name: port.quantise(value).reshape(program.tensors[name].shape)
        for name, port, value in zip(program.inputs, quantised.inputs, values, strict=True)
    }
    results = ops.execute(program, feeds, numerics)
    return quantised.finish([results[name][None] for name in program.outputs])


def data(shape: Sequence[int], count: int, seed: int = 1) -> list[Array]:
    """`count` normal samples."""
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for _ in range(count)]


def sqnr(expected: npt.NDArray[Any], actual: npt.NDArray[Any]) -> float:
    """Signal to quantisation noise in dB."""
    noise = np.square(expected.astype(np.float64) - actual).sum()
    return float(10 * np.log10(np.square(expected.astype(np.float64)).sum() / max(noise, 1e-30)))
