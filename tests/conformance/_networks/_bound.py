"""How far an int8 network may be from its float network: what a rounding step at every tensor amounts to.

An int8 tensor that clips nothing has the step s = (max - min) / 255, with 0 among max and min. Rounding a value to it is
off by at most s / 2; over many values the error has the variance s**2 / 12. A weight's step is the largest magnitude of
its output channel / 127. Tensors whose integers are only moved (pools of maxima, concats, slices, pads, views) share one
step: that of the range of all of them. A ReLU or Clip behind a sum clamps it before it is rounded.

Errors of different roundings are independent, and to first order each arrives at an output through the network's
derivative there. So the float network itself says what arrives: run it with noise at every computed value, every
input and every weight, and the squared errors of the outputs add up as those of the roundings do, whatever the
network amplifies, cancels or saturates. The noise is uniform within a whole step either way: twice the standard
deviation of a rounding, which leaves room for the compiler to round a value twice (in front of a concat, behind a
convolution whose activation is a table, in sums of 11 significant bits) and to spread a range over fewer steps.

Within a tensor errors are independent too, but for one case: a node that makes each value from a single one (a scale and
an offset, an activation) takes steps to steps, and where the two are equal or commensurate all values of a channel are
rounded alike. A mean over the channel then keeps an error that it would otherwise average out. So what such nodes make
gets noise of that size once per channel as well; so does a transposed convolution, between whose inputs there may be
values that are the bias alone.

A sum of products is rounded to 11 significant bits with all that is in it: also the zero point of the input times the sum
of the weights, which is taken off afterwards, and which is all there is where a kernel lies on padding. Where that is large
and the rest small, its last place is worth more than a step of the output; so a sum gets noise of its last place, alike
for a channel.

The bound is three times the root mean square of what arrives, hence six standard deviations of the roundings: even an
output of a single number exceeds it once in 10**9. A float32 rounding of the largest value is added for networks that
round nothing. Nothing in it is chosen in decibels, and nothing is taken from the compiler: ranges and noise come from
the ONNX file by ONNX Runtime, without its optimisations.

The samples are those of calibration: a value outside the calibrated range is no rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
Frame = Mapping[str, Array]

DRAWS = 8
"""Noisy runs per sample."""
SUM_BITS = 11
"""Significant bits of a sum in the numerics `metis`."""
DEVIATIONS = 3.0
"""Of noise of a whole step either way; six of a rounding."""

_MOVING = frozenset({
    "Concat", "DepthToSpace", "Flatten", "GlobalMaxPool", "Identity", "MaxPool", "Pad", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip
_POINTWISE = frozenset({
    "Abs", "Add", "BatchNormalization", "Clip", "ConvTranspose", "Div", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu",
    "Mish", "Mul", "Neg", "PRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Sub", "Tanh",
})  # fmt: skip
_SUMMING = frozenset({
    "Add", "BatchNormalization", "Conv", "ConvTranspose", "Div", "Gemm", "MatMul", "Mul", "Sub",
})  # fmt: skip
_FEW = 4
"""Products of a convolution from which on its sums no longer lie on few lines."""
_WEIGHED = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0, "MatMul": 1}
"""Operators whose second operand is a matrix of weights, and the axis of its outputs."""


def float_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Return a session that computes node by node."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def runs(model: onnx.ModelProto, frame: Frame | None = None) -> bool:
    """Tell whether ONNX Runtime runs a network on a frame, or on zeros."""
    if not model.graph.node or not model.graph.input:
        return False
    zeros = {
        value.name: np.zeros([extent.dim_value for extent in value.type.tensor_type.shape.dim], np.float32)
        for value in model.graph.input
    }
    try:
        float_session(model).run(None, dict(zeros if frame is None else frame))
    except Exception:  # noqa: BLE001  onnxruntime raises pybind exceptions without a common base
        return False
    return True


class FloatNetwork:
    """A float network, its outputs for some samples, and how far an int8 one may be from them."""

    def __init__(self, model: onnx.ModelProto, frames: Sequence[Frame]) -> None:
        self.outputs = [value.name for value in model.graph.output]
        self._model, self._frames = model, frames
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        given = {value.name for value in model.graph.input} - set(self._constants)
        computed = [name for node in model.graph.node for name in node.output if name]
        session = float_session(_with_outputs(model, computed))
        self._values = [
            {name: frame[name] for name in given} | dict(zip(computed, session.run(computed, dict(frame)), strict=True))
            for frame in frames
        ]  # fmt: skip
        self.expected = [[values[name] for name in self.outputs] for values in self._values]
        """Outputs of each frame."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all inputs and computed values."""
        return {name: value.shape for name, value in self._values[0].items()}

    def bounds(self, seed: int = 0) -> list[float]:
        """Return for each output the largest root of the summed squared errors over all frames."""
        steps = self._steps()
        weights = self._weight_steps()
        last_places = self._last_places()
        alike = {name for node in self._model.graph.node if self._is_pointwise(node) for name in node.output}
        session = float_session(_with_noise(self._model, list(steps), list(weights)))
        numbers = np.random.default_rng(seed)
        power = np.zeros(len(self.outputs))
        for frame, values, expected in zip(self._frames, self._values, self.expected, strict=True):
            for _ in range(DRAWS):
                feeds = dict(frame)
                for name, step in steps.items():
                    shape = values[name].shape
                    noise = numbers.uniform(-1, 1, shape) * step
                    once = (*shape[:2], *(1,) * len(shape[2:]))
                    if name in alike:
                        noise += numbers.uniform(-1, 1, once) * step
                    if name in last_places:
                        noise += numbers.uniform(-1, 1, once) * last_places[name]
                    if name in frame:
                        feeds[name] = (frame[name] + noise).astype(np.float32)
                    else:
                        feeds[f"{name}/noise"] = noise.astype(np.float32)
                for name, width in weights.items():
                    weight = self._constants[name]
                    feeds[name] = (weight + numbers.uniform(-1, 1, weight.shape) * width).astype(np.float32)
                found = session.run(self.outputs, feeds)
                power += [_power(a, b) for a, b in zip(found, expected, strict=True)]
        floor = [
            sum(v.size * (np.finfo(np.float32).eps * np.abs(v).max(initial=0.0)) ** 2 for v in column)
            for column in zip(*self.expected, strict=True)
        ]
        return [float(bound) for bound in DEVIATIONS * np.sqrt(power / DRAWS + floor)]

    def errors(self, results: Sequence[Sequence[npt.NDArray[np.floating]]]) -> list[float]:
        """Return for each output the root of the summed squared errors over all frames."""
        return [
            float(np.sqrt(sum(_power(a, b) for a, b in zip(found, expected, strict=True))))
            for found, expected in zip(zip(*results, strict=True), zip(*self.expected, strict=True), strict=True)
        ]  # fmt: skip

    def signals(self) -> list[float]:
        """Return for each output the root of the summed squares over all frames."""
        return [
            float(np.sqrt(sum(np.square(v.astype(np.float64)).sum() for v in column)))
            for column in zip(*self.expected, strict=True)
        ]

    def _last_places(self) -> dict[str, Array]:
        """Return what the last place of the sums of a node is worth, by its output, in a shape that broadcasts over it."""
        found = {}
        for node in self._model.graph.node:
            if node.op_type not in _WEIGHED or node.input[1] not in self._constants:
                continue
            weight, axis = self._constants[node.input[1]], self._channel_axis(node)
            sums = np.abs(weight.sum(axis=tuple(a for a in range(weight.ndim) if a != axis)))
            low = min(0.0, *(float(values[node.input[0]].min()) for values in self._values))
            high = max(0.0, *(float(values[node.input[0]].max()) for values in self._values))
            outputs = [values[node.output[0]] for values in self._values]
            channels = -1 if node.op_type == "MatMul" else 1
            if outputs[0].shape[channels] != sums.size:
                continue
            shape = [1] * outputs[0].ndim
            shape[channels] = sums.size
            # The zero point stands for -128 steps below the lowest value.
            zero = abs(low + (high - low) * 128 / 255)
            largest = zero * sums + max(float(np.abs(value).max()) for value in outputs)
            found[node.output[0]] = (largest * 2.0 ** (1 - SUM_BITS)).astype(np.float32).reshape(shape)
        return found

    def _steps(self) -> dict[str, float]:
        """Return the step of every value that an int8 network rounds."""
        parent: dict[str, str] = {}

        def find(name: str) -> str:
            while parent.get(name, name) != name:
                name = parent[name]
            return name

        moved: set[str] = set()
        for node in self._model.graph.node:
            if node.op_type in _MOVING or (node.op_type == "Resize" and _is_nearest(node)):
                sources = node.input if node.op_type == "Concat" else node.input[:1]
                moved.update(node.output)
                for name in (*sources, *node.output):
                    parent[find(name)] = find(node.output[0])
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        for values in self._values:
            for name, value in values.items():
                if value.dtype == np.float32 and value.size:
                    group = find(name)
                    low[group] = min(low.get(group, 0.0), float(value.min()))
                    high[group] = max(high.get(group, 0.0), float(value.max()))
        steps = {
            name: (high[find(name)] - low[find(name)]) / 255
            for name, value in self._values[0].items()
            if value.dtype == np.float32 and value.size and name not in moved
        }
        for name, clamped in self._clamped().items():
            steps[name] = steps.get(clamped, steps[name])
        return steps

    def _clamped(self) -> dict[str, str]:
        """Return the sums that a ReLU or Clip reads before they are rounded, and what it leaves of them."""
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self._model.graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        return {
            node.output[0]: found[0].output[0]
            for node in self._model.graph.node
            if node.op_type in _SUMMING
            and node.output[0] not in self.outputs
            and len(found := readers.get(node.output[0], [])) == 1
            and found[0].op_type in ("Relu", "Clip")
        }

    def _is_pointwise(self, node: onnx.NodeProto) -> bool:
        """Tell whether each value a node makes depends on hardly more than one value that it reads."""
        if node.op_type == "Conv":
            weight = self._constants.get(node.input[1])
            return weight is not None and weight[0].size <= _FEW
        return node.op_type in _POINTWISE

    @staticmethod
    def _channel_axis(node: onnx.NodeProto) -> int:
        """Return the axis of a node's weights that is that of its outputs."""
        if node.op_type == "Gemm":
            return 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
        return _WEIGHED[node.op_type]

    def _weight_steps(self) -> dict[str, Array]:
        """Return the steps of all weights, in a shape that broadcasts over them."""
        steps = {}
        for node in self._model.graph.node:
            if node.op_type not in _WEIGHED or node.input[1] not in self._constants:
                continue
            weight, axis = self._constants[node.input[1]], self._channel_axis(node)
            others = tuple(a for a in range(weight.ndim) if a != axis)
            steps[node.input[1]] = (np.abs(weight).max(axis=others, keepdims=True) / 127).astype(np.float32)
        return steps


def _power(found: npt.NDArray[np.floating], expected: npt.NDArray[np.floating]) -> float:
    return float(np.square(found.astype(np.float64) - expected).sum())


def _is_nearest(node: onnx.NodeProto) -> bool:
    return not any(a.name == "mode" and a.s != b"nearest" for a in node.attribute)


def _with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    # ONNX Runtime finds types itself
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return copy


def _with_noise(model: onnx.ModelProto, values: Sequence[str], weights: Sequence[str]) -> onnx.ModelProto:
    """Return the network with noise added to the values, and its weights as inputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    noisy = set(values)
    nodes = []
    for node in model.graph.node:
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        nodes.append(changed)
        for index, name in enumerate(node.output):
            if name in noisy:
                changed.output[index] = f"{name}/clean"
                nodes.append(helper.make_node("Add", [f"{name}/clean", f"{name}/noise"], [name]))
                graph.input.append(helper.make_tensor_value_info(f"{name}/noise", TensorProto.FLOAT, None))
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [tensor for tensor in graph.initializer if tensor.name not in set(weights)]
    for tensor in graph.initializer:
        if tensor.name in set(weights):
            graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return copy
