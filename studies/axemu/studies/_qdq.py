"""A program as a float network with QuantizeLinear and DequantizeLinear around every operator, for other compilers and runtimes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from axemu.driver import InvalidArgument
from axemu.model.ops import FUNCTIONS, OPERATORS, lut_table
from axemu.model.program import Node, Program, Tensor

OPSET = 17
IR_VERSION = 8
_AXES = {0: 2, 1: 3, 2: 1}
"""Axes of (H, W, C) in (N, C, H, W)."""
_PLAIN: Mapping[str, str] = {
    "abs": "Abs", "celu": "Celu", "elu": "Elu", "erf": "Erf", "exp": "Exp", "hard_swish": "HardSwish", "log": "Log",
    "relu": "Relu", "selu": "Selu", "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign", "tanh": "Tanh",
}  # fmt: skip
"""Functions that are one operator of ONNX with its default attributes."""

Array = npt.NDArray[Any]


def qdq_network(program: Program, *, taps: Sequence[str] = ()) -> onnx.ModelProto:
    """Return a program as ONNX in the QDQ form: float NCHW in and out, every tensor quantised as the program has it.

    Weights are int8 with a scale for each channel, biases int32. A table that is not that of a known function is written as
    a gather, and a zero point that no int8 holds as an addition. Inputs and outputs are called as in the program; `taps` are
    tensors that become outputs too.

    Args:
        program: a program with values.
        taps: names of tensors; values of them are real numbers.

    Raises:
        InvalidArgument: ONNX cannot say what an operator does with a zero point outside int8 where nothing is read; names the node.
    """
    writer = _Writer(program)
    for name in program.inputs:
        writer.add_input(program.tensors[name])
    for node in program.nodes:
        writer.add_node(node)
    outputs = dict.fromkeys((*program.outputs, *taps))
    return writer.model(list(outputs))


class _Writer:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._graph = onnx.GraphProto(name=program.name)
        self._real: dict[str, str] = {}
        self._count = 0

    def add_input(self, tensor: Tensor) -> None:
        """Declare an input and quantise it."""
        self._graph.input.append(_info(tensor.name, tensor))
        self._close(tensor, tensor.name, f"{tensor.name}_dequantized")

    def add_node(self, node: Node) -> None:
        """Write what a node computes in real numbers, and quantise it."""
        output = self._program.tensors[node.output]
        if node.op == "lut" and not self._is_named(node):
            self._gather(node, output)
            return
        real = _EMIT[node.op](self, node, [self._real[name] for name in node.inputs])
        self._close(output, self._clamp(node, output, real), node.output)

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        """Return the finished model."""
        for name in outputs:
            if name in self._program.inputs:
                raise InvalidArgument(
                    f"tensor {name!r} is an input of {self._program.name!r}, not one that a node writes"
                )
            self._graph.output.append(_info(name, self._program.tensors[name]))
        model = helper.make_model(
            self._graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="axemu",
        )
        onnx.checker.check_model(model)
        return model

    def op(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add an ONNX node and return its output."""
        self._count += 1
        output = output or f"{kind.lower()}.{self._count}"
        self._graph.node.append(
            helper.make_node(kind, list(inputs), [output], name=f"{kind}.{self._count}", **attributes)
        )
        return output

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add an initializer and return its name."""
        self._count += 1
        name = f"constant.{self._count}"
        self._graph.initializer.append(numpy_helper.from_array(np.array(value, dtype, order="C"), name))
        return name

    def tensors(self, node: Node) -> tuple[Tensor, ...]:
        """Return the tensors that a node reads."""
        return self._program.input_tensors(node)

    def values(self, node: Node, role: str) -> Array:
        """Return a constant of a node."""
        return self._program.constant(node, role)

    def output(self, node: Node) -> Tensor:
        """Return the tensor that a node writes."""
        return self._program.tensors[node.output]

    def _clamp(self, node: Node, output: Tensor, real: str) -> str:
        low, high = (node.attributes.get(name, end) for name, end in (("qmin", -128), ("qmax", 127)))
        if (low, high) == (-128, 127):
            return real
        if (low, high) == (output.zero_point, 127):
            return self.op("Relu", [real])
        bounds = ((np.array([low, high], np.float64) - output.zero_point) * output.scale).astype(np.float32)
        return self.op("Clip", [real, self.constant(bounds[0]), self.constant(bounds[1])])

    def _close(self, tensor: Tensor, real: str, name: str) -> None:
        """Quantise and dequantise a real value; `name` is what later nodes read."""
        beyond = tensor.zero_point - _held(tensor.zero_point)
        shift = self.constant(beyond * np.float32(tensor.scale)) if beyond else ""
        if shift:
            real = self.op("Add", [real, shift])
        scale = self.constant(tensor.scale), self.constant(_held(tensor.zero_point), np.int8)
        codes = self.op("QuantizeLinear", [real, *scale], f"{tensor.name}_quantized")
        self._open(tensor, codes, name)

    def _open(self, tensor: Tensor, codes: str, name: str) -> None:
        """Dequantise codes."""
        beyond = tensor.zero_point - _held(tensor.zero_point)
        scale = self.constant(tensor.scale), self.constant(_held(tensor.zero_point), np.int8)
        real = self.op("DequantizeLinear", [codes, *scale], "" if beyond else name)
        if beyond:
            self.op("Sub", [real, self.constant(beyond * np.float32(tensor.scale))], name)
        self._real[tensor.name] = name

    def _is_named(self, node: Node) -> bool:
        function = FUNCTIONS.get(str(node.attributes.get("function", "")))
        (source,), output, table = self.tensors(node), self.output(node), self.values(node, "table")
        if function is None or table.ndim != 1:
            return False
        ends = source.scale, source.zero_point, output.scale, output.zero_point
        return np.array_equal(table, lut_table(function, *ends))

    def _gather(self, node: Node, output: Tensor) -> None:
        table = self.values(node, "table")
        index = self.op("Cast", [f"{node.inputs[0]}_quantized"], to=onnx.TensorProto.INT32)
        offset = np.array(128) if table.ndim == 1 else 128 + 256 * np.arange(len(table)).reshape(1, -1, 1, 1)
        index = self.op("Add", [index, self.constant(offset, np.int32)])
        flat = self.constant(table.reshape(-1), np.int8)
        codes = self.op("Gather", [flat, index], f"{output.name}_quantized")
        self._open(output, codes, output.name)


def _held(zero_point: int) -> int:
    return min(127, max(-128, zero_point))


def _info(name: str, tensor: Tensor) -> onnx.ValueInfoProto:
    height, width, channels = tensor.shape
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, height, width])


def _group(node: Node) -> int:
    return int(OPERATORS[node.op].value(node, "group"))


def _tuple(node: Node, name: str) -> tuple[int, ...]:
    return tuple(OPERATORS[node.op].value(node, name))


def _window(node: Node) -> dict[str, Any]:
    known = {"kernel": "kernel_shape", "strides": "strides", "dilations": "dilations", "pads": "pads"}
    return {theirs: list(_tuple(node, ours)) for ours, theirs in known.items() if ours in node.attributes}


def _padded(w: _Writer, node: Node, x: str, window: dict[str, Any]) -> str:
    """Write padding out where it is no real zero: the zero point lies outside int8."""
    (source, *_) = w.tensors(node)
    beyond = _held(source.zero_point) - source.zero_point
    if not beyond or not any(window.get("pads", ())):
        return x
    top, left, bottom, right = window.pop("pads")
    pads = w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return w.op("Pad", [x, pads, w.constant(np.float32(beyond) * np.float32(source.scale))])


def _weights(w: _Writer, node: Node, weight: Array, axis: int, output_scale: float) -> list[str]:
    """Return weight and bias, dequantised; channels of the output lie on `axis`."""
    source = w.tensors(node)[0]
    product = w.values(node, "multiplier").astype(np.float64) * np.float32(output_scale)
    scales = (product / np.float32(source.scale)).astype(np.float32)
    if axis:  # of a transposed convolution: in each group the same channels of the weight
        groups = _group(node)
        if groups > 1:
            repeated = np.repeat(scales.reshape(groups, -1), weight.shape[0] // groups, axis=0)
            real = weight.astype(np.float32) * repeated[:, :, None, None]
            return [w.constant(real), _bias(w, node, product)]
    codes = w.constant(weight, np.int8)
    zeros = w.constant(np.zeros(len(scales)), np.int8)
    return [w.op("DequantizeLinear", [codes, w.constant(scales), zeros], axis=axis), _bias(w, node, product)]


def _bias(w: _Writer, node: Node, product: Array) -> str:
    codes, zeros = (
        w.constant(w.values(node, "bias_i32"), np.int32),
        w.constant(np.zeros(len(product)), np.int32),
    )
    return w.op("DequantizeLinear", [codes, w.constant(product), zeros], axis=0)


def _conv(w: _Writer, node: Node, inputs: list[str]) -> str:
    window = _window(node)
    x = _padded(w, node, inputs[0], window)
    weights = _weights(w, node, w.values(node, "weight").transpose(0, 3, 1, 2), 0, w.output(node).scale)
    return w.op("Conv", [x, *weights], group=_group(node), **window)


def _conv_add(w: _Writer, node: Node, inputs: list[str]) -> str:
    return w.op("Add", [_conv(w, node, inputs[:1]), inputs[1]])


def _conv_transpose(w: _Writer, node: Node, inputs: list[str]) -> str:
    (source,) = w.tensors(node)
    if _held(source.zero_point) != source.zero_point:
        raise InvalidArgument(
            f"node {node.name!r} (conv_transpose): reads a tensor with the zero point {source.zero_point}; gaps between its "
            "values are then no real zeros, which ONNX cannot say"
        )
    group = _group(node)
    weight = w.values(node, "weight")
    outputs, height, width, depth = weight.shape
    parted = weight.reshape(group, outputs // group, height, width, depth).transpose(0, 4, 1, 2, 3)
    weights = _weights(w, node, parted.reshape(group * depth, -1, height, width), 1, w.output(node).scale)
    window = _window(node) | {"output_padding": list(_tuple(node, "output_padding"))}
    return w.op("ConvTranspose", [inputs[0], *weights], group=group, **window)


def _max_pool(w: _Writer, node: Node, inputs: list[str]) -> str:
    return w.op("MaxPool", inputs, **_window(node))


def _avg_pool(w: _Writer, node: Node, inputs: list[str]) -> str:
    window, counted = _window(node), bool(node.attributes.get("count_include_pad", False))
    x = _padded(w, node, inputs[0], window) if counted else inputs[0]
    return w.op("AveragePool", [x], count_include_pad=int(counted), **window)


def _elementwise(kind: str) -> Callable[[_Writer, Node, list[str]], str]:
    return lambda w, _, inputs: w.op(kind, inputs)


def _affine(w: _Writer, node: Node, inputs: list[str]) -> str:
    factor, addend = (
        w.constant(w.values(node, role).reshape(1, -1, 1, 1)) for role in ("multiplier", "addend")
    )
    return w.op("Add", [w.op("Mul", [inputs[0], factor]), addend])


def _constant(w: _Writer, node: Node, _: list[str]) -> str:
    tensor = w.output(node)
    real = (w.values(node, "value").astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)
    return w.constant(real.transpose(2, 0, 1)[None])


def _lut(w: _Writer, node: Node, inputs: list[str]) -> str:
    name, x = str(node.attributes["function"]), inputs[0]
    parameters: dict[str, Any] = {key: float(value) for key, value in FUNCTIONS[name].parameters.items()}
    if name in _PLAIN:
        return w.op(_PLAIN[name], [x])
    if name in ("hard_sigmoid", "leaky_relu"):
        return w.op({"hard_sigmoid": "HardSigmoid", "leaky_relu": "LeakyRelu"}[name], [x], **parameters)
    if name == "relu6":
        return w.op("Clip", [x, w.constant(0.0), w.constant(6.0)])
    if name == "silu":
        return w.op("Mul", [x, w.op("Sigmoid", [x])])
    if name == "mish":
        return w.op("Mul", [x, w.op("Tanh", [w.op("Softplus", [x])])])
    if name == "gelu":
        inner = w.op("Erf", [w.op("Mul", [x, w.constant(np.sqrt(0.5))])])
    else:  # gelu_tanh
        cube = w.op("Mul", [w.op("Mul", [w.op("Mul", [x, x]), x]), w.constant(0.044715)])
        inner = w.op("Tanh", [w.op("Mul", [w.op("Add", [x, cube]), w.constant(np.sqrt(2.0 / np.pi))])])
    return w.op("Mul", [w.op("Mul", [x, w.constant(0.5)]), w.op("Add", [inner, w.constant(1.0)])])


def _same(_: _Writer, __: Node, inputs: list[str]) -> str:
    return inputs[0]


def _concat(w: _Writer, node: Node, inputs: list[str]) -> str:
    return w.op("Concat", inputs, axis=_AXES[OPERATORS["concat"].value(node, "axis")])


def _slice(w: _Writer, node: Node, inputs: list[str]) -> str:
    operator = OPERATORS["slice"]
    starts, sizes, steps = (np.array(operator.value(node, name)) for name in ("starts", "sizes", "steps"))
    numbers = (starts, starts + (sizes - 1) * steps + 1, list(_AXES.values()), steps)
    return w.op("Slice", [inputs[0], *(w.constant(value, np.int64) for value in numbers)])


def _pad(w: _Writer, node: Node, inputs: list[str]) -> str:
    (source,) = w.tensors(node)
    operator = OPERATORS["pad"]
    before, after, value = (operator.value(node, name) for name in ("before", "after", "value"))
    pads = [0, before[2], before[0], before[1], 0, after[2], after[0], after[1]]
    real = np.float32(value - source.zero_point) * np.float32(source.scale)
    return w.op("Pad", [inputs[0], w.constant(pads, np.int64), w.constant(real)])


def _rows(w: _Writer, x: str, shape: Sequence[int]) -> str:
    """Return a value's row-major (H, W, C) bytes in another shape."""
    return w.op("Reshape", [w.op("Transpose", [x], perm=[0, 2, 3, 1]), w.constant(shape, np.int64)])


def _planes(w: _Writer, x: str, shape: Sequence[int]) -> str:
    """Return (H, W, C) bytes as NCHW."""
    return w.op("Transpose", [w.op("Reshape", [x, w.constant([1, *shape], np.int64)])], perm=[0, 3, 1, 2])


def _reshape(w: _Writer, node: Node, inputs: list[str]) -> str:
    shape = w.output(node).shape
    return w.op("Transpose", [_rows(w, inputs[0], [1, *shape])], perm=[0, 3, 1, 2])


def _transpose(w: _Writer, node: Node, inputs: list[str]) -> str:
    perm = [0, 0, 0, 0]
    for axis, source in enumerate(OPERATORS["transpose"].value(node, "perm")):
        perm[_AXES[axis]] = _AXES[source]
    return w.op("Transpose", inputs, perm=perm)


def _resize_nearest(w: _Writer, node: Node, inputs: list[str]) -> str:
    (source,) = w.tensors(node)
    indices = [w.values(node, role) for role in ("index_h", "index_w")]
    times = [len(index) // size for index, size in zip(indices, source.shape[:2], strict=True)]
    if all(
        np.array_equal(index, np.arange(size * by) // by)
        for index, size, by in zip(indices, source.shape[:2], times, strict=True)
    ):
        scales = w.constant([1, 1, *times])
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return w.op("Resize", [inputs[0], "", scales], **how)
    rows = w.op("Gather", [inputs[0], w.constant(indices[0], np.int64)], axis=2)
    return w.op("Gather", [rows, w.constant(indices[1], np.int64)], axis=3)


def _resize_linear(w: _Writer, node: Node, inputs: list[str]) -> str:
    """Write interpolation as products with a matrix for rows and one for columns."""
    (source,) = w.tensors(node)
    matrices = []
    for axis, size in zip("hw", source.shape[:2], strict=True):
        index, weight = w.values(node, f"index_{axis}"), w.values(node, f"weight_{axis}")
        matrix = np.zeros((len(index), size), np.float32)
        for place in (0, 1):
            np.add.at(matrix, (np.arange(len(index)), index[:, place]), weight[:, place])
        matrices.append(matrix)
    rows = w.op("MatMul", [w.constant(matrices[0]), inputs[0]])
    return w.op("MatMul", [rows, w.constant(matrices[1].T)])


def _matmul(w: _Writer, node: Node, inputs: list[str]) -> str:
    matrices = [
        _rows(w, x, [tensor.shape[0] * tensor.shape[1], tensor.shape[2]])
        for x, tensor in zip(inputs, w.tensors(node), strict=True)
    ]
    if node.attributes.get("transpose_b", False):
        matrices[1] = w.op("Transpose", [matrices[1]], perm=[1, 0])
    return _planes(w, w.op("MatMul", matrices), w.output(node).shape)


def _softmax(w: _Writer, _: Node, inputs: list[str]) -> str:
    return w.op("Softmax", inputs, axis=1)


_EMIT: Mapping[str, Callable[[_Writer, Node, list[str]], str]] = {
    "add": _elementwise("Add"),
    "affine": _affine,
    "avg_pool": _avg_pool,
    "concat": _concat,
    "constant": _constant,
    "conv": _conv,
    "conv_add": _conv_add,
    "conv_transpose": _conv_transpose,
    "lut": _lut,
    "matmul": _matmul,
    "max_pool": _max_pool,
    "mul": _elementwise("Mul"),
    "pad": _pad,
    "requantize": _same,
    "reshape": _reshape,
    "resize_linear": _resize_linear,
    "resize_nearest": _resize_nearest,
    "slice": _slice,
    "softmax": _softmax,
    "sub": _elementwise("Sub"),
    "transpose": _transpose,
}
