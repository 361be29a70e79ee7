"""A small builder of ONNX graphs whose weights are drawn so that activations keep a sensible size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from axemu.zoo._emitter import Emitter, Value
from axemu.zoo._signal import Sample, rms, spread

STD = 2.0  # of every pre-activation: SiLU's gate needs more than 0.45, everything must stay below 10
BIAS_SHARE = 0.25  # of the variance: channels differ even where the input is flat
CENTRED_FROM = 16  # input channels from which weights sum to zero, as if the input were normalised

Pair = tuple[int, int]


class Graph(Emitter):
    """A graph under construction, with a method per layer."""

    # layers with weights

    def conv(
        self,
        x: Value,
        channels: int,
        kernel: int | Pair = 1,
        stride: int = 1,
        *,
        pad: int | Pair | None = None,
        groups: int = 1,
        bias: bool = True,
        std: float = STD,
        shift: float = 0.0,
    ) -> Value:
        """Add a convolution, float32 `[1, channels, h, w]`.

        Args:
            x: input `[1, c, h, w]`.
            channels: output channels.
            kernel: side or (height, width) of the window.
            stride: step in both directions.
            pad: border in both directions; half the kernel when None.
            groups: number of groups; equal to the input channels for a depthwise layer.
            bias: the layer has one (a folded batch normalisation).
            std: standard deviation that the output gets.
            shift: mean of the bias.
        """
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        ph, pw = (kh // 2, kw // 2) if pad is None else (pad, pad) if isinstance(pad, int) else pad
        height, width = x.shape[2:]
        out_h, out_w = (height + 2 * ph - kh) // stride + 1, (width + 2 * pw - kw) // stride + 1
        offset = std * math.sqrt(BIAS_SHARE) if bias else 0.0
        taps = (
            x.channels
            // groups
            * _covered(height, kh, stride, ph, out_h)
            * _covered(width, kw, stride, pw, out_w)
        )
        centred = x.channels // groups >= CENTRED_FROM
        size = max(spread(x.sample) if centred else rms(x.sample), 1e-6)
        weight_std = math.sqrt((std * std - offset * offset) / taps) / size
        shape = (channels, x.channels // groups, kh, kw)
        weights = [self.draw("weight", shape, weight_std, centred=1 if centred else None)]
        if bias:
            weights.append(self.draw("bias", (channels,), offset, shift))
        sample = shift + self.field.linear(
            x.sample, std, offset, per_channel=groups > 1 and groups == x.channels
        )
        return self.node(
            "Conv",
            [x, *weights],
            [(1, channels, out_h, out_w)],
            sample,
            dilations=[1, 1],
            group=groups,
            kernel_shape=[kh, kw],
            pads=[ph, pw, ph, pw],
            strides=[stride, stride],
        )[0]

    def conv_transpose(self, x: Value, channels: int, kernel: int = 2, *, std: float = STD) -> Value:
        """Add a transposed convolution whose stride is its kernel: it enlarges the plane by `kernel`."""
        offset = std * math.sqrt(BIAS_SHARE)
        weight_std = math.sqrt((std * std - offset * offset) / x.channels) / max(rms(x.sample), 1e-6)
        weight = self.draw("weight", (x.channels, channels, kernel, kernel), weight_std)
        shape = (1, channels, x.shape[2] * kernel, x.shape[3] * kernel)
        return self.node(
            "ConvTranspose",
            [x, weight, self.draw("bias", (channels,), offset)],
            [shape],
            self.field.linear(x.sample, std, offset, per_channel=False),
            dilations=[1, 1],
            group=1,
            kernel_shape=[kernel, kernel],
            pads=[0, 0, 0, 0],
            strides=[kernel, kernel],
        )[0]

    def linear(self, x: Value, features: int, *, std: float = STD) -> Value:
        """Add a fully connected layer, `[1, c]` to `[1, features]`."""
        offset = std * math.sqrt(BIAS_SHARE)
        weight_std = math.sqrt((std * std - offset * offset) / x.channels) / max(rms(x.sample), 1e-6)
        weights = [
            self.draw("weight", (features, x.channels), weight_std),
            self.draw("bias", (features,), offset),
        ]
        sample = self.field.linear(x.sample, std, offset, per_channel=False)
        return self.node("Gemm", [x, *weights], [(1, features)], sample, alpha=1.0, beta=1.0, transB=1)[0]

    def batch_norm(self, x: Value, *, std: float = STD) -> Value:
        """Add a batch normalisation that could not be folded, with statistics near those of its input."""
        c = x.channels
        mean, spread = float(x.sample.mean()), max(float(x.sample.std()), 1e-3)
        offset = std * math.sqrt(BIAS_SHARE)
        weights = [
            self.draw("scale", (c,), 0.1 * std, math.sqrt(std * std - offset * offset)),
            self.draw("shift", (c,), offset),
            self.draw("mean", (c,), 0.1 * spread, mean),
            self.draw("var", (c,), 0.1 * spread * spread, spread * spread),
        ]
        sample = (x.sample - mean) / spread * math.sqrt(
            std * std - offset * offset
        ) + offset * self.field.per_channel()
        return self.node("BatchNormalization", [x, *weights], [x.shape], sample, epsilon=1e-5)[0]

    # layers without weights

    def relu(self, x: Value) -> Value:
        """Add max(x, 0)."""
        return self.node("Relu", [x], [x.shape], np.maximum(x.sample, 0.0))[0]

    def relu6(self, x: Value) -> Value:
        """Add min(max(x, 0), 6)."""
        return self.node(
            "Clip", [x, self.number(0.0), self.number(6.0)], [x.shape], np.clip(x.sample, 0.0, 6.0)
        )[0]

    def sigmoid(self, x: Value) -> Value:
        """Add 1 / (1 + exp(-x))."""
        return self.node("Sigmoid", [x], [x.shape], 1.0 / (1.0 + np.exp(-x.sample)))[0]

    def silu(self, x: Value) -> Value:
        """Add x · sigmoid(x), as the two nodes that exporters write."""
        return self.mul(x, self.sigmoid(x))

    def add(self, x: Value, y: Value) -> Value:
        """Add x + y."""
        return self._binary("Add", x, y, x.sample + y.sample)

    def sub(self, x: Value, y: Value) -> Value:
        """Add x − y."""
        return self._binary("Sub", x, y, x.sample - y.sample)

    def mul(self, x: Value, y: Value) -> Value:
        """Add x · y."""
        return self._binary("Mul", x, y, x.sample * y.sample)

    def div(self, x: Value, y: Value) -> Value:
        """Add x / y."""
        return self._binary("Div", x, y, x.sample / y.sample)

    def number(self, value: float) -> Value:
        """Add a scalar."""
        return self.constant(np.array(value, dtype=np.float32), "number")

    def _binary(self, op: str, x: Value, y: Value, sample: Sample) -> Value:
        return self.node(op, [x, y], [tuple(np.broadcast_shapes(x.shape, y.shape))], sample)[0]

    def concat(self, parts: Sequence[Value], axis: int = 1) -> Value:
        """Join tensors along an axis."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        sample = self.field.mix([(part.sample, part.shape[axis]) for part in parts])
        return self.node("Concat", list(parts), [tuple(shape)], sample, axis=axis)[0]

    def split(self, x: Value, sizes: Sequence[int], axis: int = 1) -> list[Value]:
        """Cut a tensor into parts along an axis."""
        shapes = [_resized(x.shape, axis, size) for size in sizes]
        return self.node("Split", [x, self.ints(*sizes)], shapes, x.sample, axis=axis)

    def slice(self, x: Value, start: int, stop: int, axis: int = 1) -> Value:
        """Take `start:stop` of an axis."""
        limits = [self.ints(start), self.ints(stop), self.ints(axis)]
        return self.node("Slice", [x, *limits], [_resized(x.shape, axis, stop - start)], x.sample)[0]

    def max_pool(self, x: Value, kernel: int, stride: int, *, pad: int = 0, ceil_mode: bool = False) -> Value:
        """Add a maximum over windows."""
        sample = self.field.pool(x.sample, kernel, maximum=True)
        return self._pool("MaxPool", x, kernel, stride, pad, ceil_mode, sample, dilations=[1, 1])

    def avg_pool(
        self,
        x: Value,
        kernel: int,
        stride: int,
        *,
        pad: int = 0,
        ceil_mode: bool = False,
        count_pad: bool = True,
    ) -> Value:
        """Add a mean over windows; `count_pad` says whether the border counts as zeros."""
        sample = self.field.pool(x.sample, kernel, maximum=False)
        return self._pool(
            "AveragePool", x, kernel, stride, pad, ceil_mode, sample, count_include_pad=int(count_pad)
        )

    def _pool(
        self,
        op: str,
        x: Value,
        kernel: int,
        stride: int,
        pad: int,
        ceil_mode: bool,
        sample: Sample,
        **more: Any,
    ) -> Value:
        steps = [(size + 2 * pad - kernel) / stride for size in x.shape[2:]]
        plane = tuple((math.ceil(step) if ceil_mode else math.floor(step)) + 1 for step in steps)
        return self.node(
            op,
            [x],
            [(*x.shape[:2], *plane)],
            sample,
            ceil_mode=int(ceil_mode),
            kernel_shape=[kernel, kernel],
            pads=[pad] * 4,
            strides=[stride, stride],
            **more,
        )[0]

    def global_pool(self, x: Value) -> Value:
        """Add the mean over the plane, `[1, c, 1, 1]`."""
        mean = np.broadcast_to(x.sample.mean(axis=1, keepdims=True), x.sample.shape)
        return self.node("GlobalAveragePool", [x], [(1, x.channels, 1, 1)], mean)[0]

    def flatten(self, x: Value) -> Value:
        """Reshape `[1, c, h, w]` to `[1, c·h·w]`."""
        return self.node("Flatten", [x], [(1, math.prod(x.shape[1:]))], x.sample, axis=1)[0]

    def upsample(self, x: Value, factor: int = 2) -> Value:
        """Enlarge height and width by repeating pixels."""
        shape = (*x.shape[:2], x.shape[2] * factor, x.shape[3] * factor)
        scales = self.constant(np.array([1.0, 1.0, factor, factor], dtype=np.float32), "scales")
        return self.node(
            "Resize",
            [x, "", scales],
            [shape],
            x.sample,
            coordinate_transformation_mode="asymmetric",
            mode="nearest",
            nearest_mode="floor",
        )[0]

    def reshape(self, x: Value, *shape: int) -> Value:
        """Give a tensor another shape; one entry may be -1."""
        known = math.prod(size for size in shape if size > 0)
        full = tuple(math.prod(x.shape) // known if size == -1 else size for size in shape)
        return self.node("Reshape", [x, self.ints(*shape)], [full], x.sample, allowzero=0)[0]

    def transpose(self, x: Value, *order: int) -> Value:
        """Reorder the axes."""
        return self.node(
            "Transpose", [x], [tuple(x.shape[axis] for axis in order)], x.sample, perm=list(order)
        )[0]

    def softmax(self, x: Value, axis: int) -> Value:
        """Add probabilities along an axis."""
        return self.node("Softmax", [x], [x.shape], self.field.softmax(x.sample, x.shape[axis]), axis=axis)[0]

    def scores(self, query: Value, key: Value) -> Value:
        """Multiply matrices whose entries are independent: `[…, n, d]` by `[…, d, m]`."""
        depth = query.shape[-1]
        std = math.sqrt(depth) * rms(query.sample) * rms(key.sample)
        shape = (*query.shape[:-1], key.shape[-1])
        return self.node("MatMul", [query, key], [shape], std * self.field.white())[0]

    def weighted(self, value: Value, weights: Value) -> Value:
        """Multiply matrices of which the second holds probabilities: means of the first along its last axis."""
        shape = (*value.shape[:-1], weights.shape[-1])
        mean = np.broadcast_to(value.sample.mean(axis=1, keepdims=True), value.sample.shape)
        return self.node("MatMul", [value, weights], [shape], mean)[0]

    def unary(self, op: str, x: Value) -> Value:
        """Add an elementwise function of the decoding, such as `Cos`."""
        return self.node(op, [x], [x.shape], x.sample)[0]

    def branch_std(self, skip: Value, index: int) -> float:
        """Standard deviation for the last layer of residual branch `index` (from 0) of a chain.

        Later branches are quieter relative to the sum, so that a chain of n grows with a root of n and never
        leaves the range that eight bits or a float's precision can hold.
        """
        return max(0.5, rms(skip.sample) * math.sqrt(0.5 / (index + 1)))


def _covered(size: int, kernel: int, stride: int, pad: int, out: int) -> float:
    """Mean number of a window's taps along one axis that fall inside the input."""
    starts = np.arange(out) * stride - pad
    inside = np.minimum(starts + kernel, size) - np.maximum(starts, 0)
    return float(np.mean(np.clip(inside, 0, kernel)))


def _resized(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :]) if axis >= 0 else (*shape[:axis], size)
