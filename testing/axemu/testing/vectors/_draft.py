"""Programs written by hand: each method adds a node and returns the tensor it writes.

Scales follow from an estimate of how far values spread, in operations that are the same on every host, so that integers use
most of int8 and a changed bit of a weight changes some of them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from axemu.model.ops import FUNCTIONS, OPERATORS, conv_constants, lut_table, softmax_constants
from axemu.model.program import Node, Program, Tensor, validate
from axemu.testing.vectors._case import Array, Dice, Shape
from axemu.testing.vectors._vector import Kind, Vector

SPREAD = 2.0
"""Root mean square of an input's real values; layers keep about that."""
LEVELS = 85.0
"""Steps of an output's scale in its estimated spread."""
RMS_INT8 = 74.0
"""Of uniform int8 values."""
FEW_PIXELS = 12
FEWER_PIXELS_MORE_FRAMES = 8
_SQUASHED = {
    "sigmoid": (1 / 255, -128, 0.3, 0.5),
    "hard_sigmoid": (1 / 255, -128, 0.3, 0.5),
    "tanh": (1 / 127, 0, 0.7, 0.0),
}
"""Scale, zero point, spread and mean of functions whose values are bounded."""

Activation = Literal["", "relu", "relu6"]


class Draft:
    """A program in the making, and the frames it is to be fed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._dice = Dice(zlib.crc32(name.encode()))
        self._tensors: dict[str, Tensor] = {}
        self._spread: dict[str, float] = {}
        self._mean: dict[str, float] = {}
        self._nodes: list[Node] = []
        self._inputs: list[str] = []
        self._constants: dict[str, Array] = {}

    def input(self, height: int, width: int, channels: int, zero: int = -3) -> str:
        """Add an input of values that use all of int8."""
        name = f"input_{len(self._inputs) + 1}"
        self._inputs.append(name)
        return self._tensor(name, (height, width, channels), SPREAD, SPREAD / RMS_INT8, zero)

    def shape(self, x: str) -> Shape:
        """Return (height, width, channels) of a tensor."""
        return self._tensors[x].shape

    def conv(
        self,
        x: str,
        outputs: int,
        kernel: tuple[int, int] = (3, 3),
        stride: int = 1,
        *,
        activation: Activation = "",
        pads: tuple[int, int, int, int] | None = None,
        group: int = 1,
        dilation: int = 1,
        residual: str = "",
        levels: float = LEVELS,
    ) -> str:
        """Add `conv`, or `conv_add` with a residual; padded to keep the size where `pads` is not given."""
        if pads is None:
            top, left = ((extent - 1) * dilation // 2 for extent in kernel)
            pads = (top, left, (kernel[0] - 1) * dilation - top, (kernel[1] - 1) * dilation - left)
        depth = self.shape(x)[2] // group
        attributes: dict[str, Any] = {
            "kernel": kernel,
            "pads": pads,
            "strides": (stride, stride),
            "group": group,
        }
        if dilation > 1:
            attributes["dilations"] = (dilation, dilation)
        spread = math.hypot(self._spread[x], self._spread[residual] if residual else 0.0)
        op, inputs = ("conv_add", (x, residual)) if residual else ("conv", (x,))
        return self._weighted(op, inputs, (outputs, *kernel, depth), spread, attributes, activation, levels)

    def conv_transpose(
        self,
        x: str,
        outputs: int,
        kernel: int = 4,
        stride: int = 2,
        *,
        activation: Activation = "",
        group: int = 1,
    ) -> str:
        """Add `conv_transpose` that makes its input `stride` times as large."""
        before = (kernel - stride) // 2
        pads = (before, before, kernel - stride - before, kernel - stride - before)
        attributes = {"kernel": (kernel, kernel), "strides": (stride, stride), "pads": pads, "group": group}
        weights = (outputs, kernel, kernel, self.shape(x)[2] // group)
        return self._weighted(
            "conv_transpose", (x,), weights, self._spread[x], attributes, activation, LEVELS
        )

    def _weighted(
        self,
        op: str,
        inputs: tuple[str, ...],
        weights: tuple[int, int, int, int],
        spread: float,
        attributes: dict[str, Any],
        activation: Activation,
        levels: float,
    ) -> str:
        x, outputs = self._tensors[inputs[0]], weights[0]
        scale, zero, clamp = self._clamped(spread, activation, levels)
        terms = math.prod(weights[1:])
        real = self._dice.reals(outputs, 0.7, 1.3) / np.float32(RMS_INT8 * math.sqrt(terms))
        weight = self._dice.int8(weights, -127)
        offset = (
            weight.reshape(outputs, -1).sum(axis=1, dtype=np.int64)
            * real.astype(np.float64)
            * self._mean[x.name]
        )
        # Without the offset, whole channels would be clamped.
        bias = self._dice.reals(outputs, -0.3 * spread, 0.3 * spread) - offset.astype(np.float32)
        constants = conv_constants(weight, real, bias, x.scale, x.zero_point, scale)
        return self._add(op, inputs, (0, 0, outputs), spread, scale, zero, {**attributes, **clamp}, constants)

    def max_pool(self, x: str, kernel: int = 2, stride: int = 2, pad: int = 0) -> str:
        """Add `max_pool`."""
        window = {"kernel": (kernel, kernel), "strides": (stride, stride), "pads": (pad, pad, pad, pad)}
        return self._same("max_pool", (x,), window)

    def avg_pool(
        self, x: str, kernel: int = 0, stride: int = 1, pad: int = 0, *, counted: bool = False
    ) -> str:
        """Add `avg_pool`; over everything where no kernel is given."""
        height, width, _ = self.shape(x)
        size = (kernel, kernel) if kernel else (height, width)
        window = {
            "kernel": size, "strides": (stride, stride), "pads": (pad, pad, pad, pad), "count_include_pad": counted,
        }  # fmt: skip
        spread, mean = self._spread[x] / math.sqrt(size[0] * size[1]) * 2, self._mean[x]
        scale, zero, _ = self._clamped(spread, "", LEVELS, mean)
        return self._add("avg_pool", (x,), None, spread, scale, zero, window, mean=mean)

    def add(self, a: str, b: str, activation: Activation = "", op: str = "add") -> str:
        """Add `add`, or `sub`."""
        mean = self._mean[a] + self._mean[b] * (1 if op == "add" else -1)
        return self._elementwise(op, a, b, math.hypot(self._spread[a], self._spread[b]), mean, activation)

    def mul(self, a: str, b: str, activation: Activation = "") -> str:
        """Add `mul`."""
        one, other = (self._spread[a], self._mean[a]), (self._spread[b], self._mean[b])
        spread = math.hypot(one[0] * other[0], one[0] * other[1], one[1] * other[0])
        return self._elementwise("mul", a, b, spread, one[1] * other[1], activation)

    def _elementwise(
        self, op: str, a: str, b: str, spread: float, mean: float, activation: Activation
    ) -> str:
        scale, zero, clamp = self._clamped(spread, activation, LEVELS, mean)
        return self._add(op, (a, b), None, spread, scale, zero, clamp, mean=mean)

    def affine(self, x: str, activation: Activation = "") -> str:
        """Add `affine`: a factor and an addend for each channel."""
        channels = self.shape(x)[2]
        values = {
            "multiplier": self._dice.reals(channels, 0.5, 1.5),
            "addend": self._dice.reals(channels, -1.0, 1.0),
        }
        spread, mean = self._spread[x], self._mean[x]
        scale, zero, clamp = self._clamped(spread, activation, LEVELS, mean)
        return self._add("affine", (x,), None, spread, scale, zero, clamp, values, mean)

    def lut(self, x: str, function: str) -> str:
        """Add a `lut` of a function of `FUNCTIONS`."""
        source = self._tensors[x]
        usual = (source.scale, -90, self._spread[x] * 0.55, self._spread[x] * 0.3)
        scale, zero, spread, mean = _SQUASHED.get(function, usual)
        table = lut_table(FUNCTIONS[function], source.scale, source.zero_point, scale, zero)
        named = {"function": function}
        return self._add("lut", (x,), None, spread, scale, zero, named, {"table": table}, mean)

    def requantise(self, x: str, scale: float, zero: int) -> str:
        """Add `requantize`."""
        return self._add("requantize", (x,), None, self._spread[x], scale, zero, mean=self._mean[x])

    def concat(self, *parts: str, axis: int = 2) -> str:
        """Add `concat`, and a `requantize` in front for what has another scale than the coarsest part."""
        coarsest = self._tensors[max(parts, key=lambda name: self._tensors[name].scale)]
        scale, zero = coarsest.scale, coarsest.zero_point
        equal = [
            name
            if (self._tensors[name].scale, self._tensors[name].zero_point) == (scale, zero)
            else self.requantise(name, scale, zero)
            for name in parts
        ]
        return self._same("concat", tuple(equal), {"axis": axis})

    def slice(self, x: str, starts: Shape, sizes: Shape, steps: Shape = (1, 1, 1)) -> str:
        """Add `slice`."""
        return self._same("slice", (x,), {"starts": starts, "sizes": sizes, "steps": steps})

    def split(self, x: str, parts: int) -> tuple[str, ...]:
        """Add slices of equally many channels."""
        height, width, channels = self.shape(x)
        each = channels // parts
        return tuple(self.slice(x, (0, 0, part * each), (height, width, each)) for part in range(parts))

    def pad(self, x: str, before: Shape, after: Shape) -> str:
        """Add `pad` with real zeros."""
        return self._same(
            "pad", (x,), {"before": before, "after": after, "value": self._tensors[x].zero_point}
        )

    def reshape(self, x: str, shape: Shape) -> str:
        """Add `reshape`."""
        return self._same("reshape", (x,), {}, shape=shape)

    def transpose(self, x: str, perm: Shape) -> str:
        """Add `transpose`."""
        return self._same("transpose", (x,), {"perm": perm})

    def enlarge(self, x: str, times: int = 2) -> str:
        """Add `resize_nearest` by a whole factor."""
        height, width, channels = self.shape(x)
        indices = {
            "index_h": np.arange(height * times, dtype=np.int32) // times,
            "index_w": np.arange(width * times, dtype=np.int32) // times,
        }
        return self._same("resize_nearest", (x,), {}, indices, (height * times, width * times, channels))

    def interpolate(self, x: str) -> str:
        """Add `resize_linear` to twice the size, pixel centres aligned."""
        height, width, channels = self.shape(x)
        constants: dict[str, Array] = {}
        for axis, size in (("h", height), ("w", width)):
            centres = np.maximum((np.arange(2 * size) + 0.5) / 2 - 0.5, 0.0)
            low = np.floor(centres).astype(np.int32)
            part = (centres - low).astype(np.float32)
            constants[f"index_{axis}"] = np.stack([low, np.minimum(low + 1, size - 1)], 1).astype(np.int32)
            constants[f"weight_{axis}"] = np.stack([1 - part, part], 1).astype(np.float32)
        source = self._tensors[x]
        shape = (2 * height, 2 * width, channels)
        zero = source.zero_point
        spread, mean = self._spread[x], self._mean[x]
        return self._add("resize_linear", (x,), shape, spread, source.scale, zero, {}, constants, mean)

    def matmul(self, a: str, b: str, *, transposed: bool = False) -> str:
        """Add `matmul`."""
        terms = self.shape(a)[2]
        spread = self._spread[a] * self._spread[b] * math.sqrt(terms)
        scale, zero, _ = self._clamped(spread, "", LEVELS)
        return self._add("matmul", (a, b), None, spread, scale, zero, {"transpose_b": transposed})

    def softmax(self, x: str) -> str:
        """Add `softmax` over channels."""
        constants = softmax_constants(self._tensors[x].scale)
        return self._add("softmax", (x,), None, 0.2, 1 / 256, -128, {}, constants)

    def vector(self, kind: Kind, frames: int) -> Vector:
        """Return the finished vector; what nobody reads is an output.

        There are more frames than asked for where a weighted or tabled tensor has few pixels: each of its bits is to matter.
        """
        read = {name for node in self._nodes for name in node.inputs}
        unread = tuple(node.output for node in self._nodes if node.output not in read)
        program = Program(
            self._name, 1, dict(self._tensors), tuple(self._nodes), tuple(self._inputs), unread, dict(self._constants)
        )  # fmt: skip
        validate(program)
        few = any(
            self.shape(node.output)[0] * self.shape(node.output)[1] < FEW_PIXELS
            for node in self._nodes
            if node.constants
        )
        frames *= FEWER_PIXELS_MORE_FRAMES if few else 1
        fed = tuple({x: self._dice.int8(self.shape(x)) for x in self._inputs} for _ in range(frames))
        return Vector(self._name, kind, program, fed)

    def _clamped(
        self, spread: float, activation: Activation, levels: float, mean: float = 0.0
    ) -> tuple[float, int, dict[str, int]]:
        """Return scale, zero point and clamp of an output."""
        if not activation:
            return max(spread / levels, abs(mean) / 90), int(self._dice.int8((1,))[0]) // 8, {}
        scale, zero = spread / levels / 2, -128
        if activation == "relu6":
            return scale, zero, {"qmin": zero, "qmax": min(127, zero + round(1.5 * spread / scale))}
        return scale, zero, {"qmin": zero}

    def _same(
        self,
        op: str,
        inputs: tuple[str, ...],
        attributes: Mapping[str, Any],
        constants: Mapping[str, Array] | None = None,
        shape: Shape | None = None,
    ) -> str:
        source = self._tensors[inputs[0]]
        spread, mean = (max(of[x] for x in inputs) for of in (self._spread, self._mean))
        return self._add(
            op, inputs, shape, spread, source.scale, source.zero_point, attributes, constants, mean
        )

    def _add(
        self,
        op: str,
        inputs: tuple[str, ...],
        declared: Shape | None,
        spread: float,
        scale: float,
        zero: int,
        attributes: Mapping[str, Any] | None = None,
        constants: Mapping[str, Array] | None = None,
        mean: float = 0.0,
    ) -> str:
        attributes = dict(attributes or {})
        if "qmin" in attributes:
            spread, mean = 0.58 * spread, mean + 0.4 * spread
        name = f"{op}_{1 + sum(node.op == op for node in self._nodes)}"
        roles = {role: f"{name}.{role}" for role in constants or {}}
        self._constants |= {roles[role]: value for role, value in (constants or {}).items()}
        node = Node(op, name, inputs, name, attributes, roles)
        self._nodes.append(node)
        shapes: Sequence[Shape] = [self.shape(x) for x in inputs]
        return self._tensor(
            name, OPERATORS[op].infer_shape(node, shapes, declared), spread, scale, zero, mean
        )

    def _tensor(
        self, name: str, shape: Shape, spread: float, scale: float, zero: int, mean: float = 0.0
    ) -> str:
        self._tensors[name] = Tensor(name, shape, float(np.float32(scale)), zero)
        self._spread[name], self._mean[name] = spread, mean
        return name
