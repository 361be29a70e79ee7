"""Programs of one operator, and of one that another follows, with a given number of channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from tests.conformance._compute_programs import MAKERS, Sketch, constant

from axemu.model import ops
from axemu.model.program import Program, Tensor

Maker = Callable[[Sketch, Tensor], Tensor]


def pair(op: str) -> Maker:
    return lambda s, x: s.add(op, [x, constant(s, x.shape)], x.shape, s.clamp())


def pool(op: str) -> Maker:
    window = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1)}
    more = {"count_include_pad": True} if op == "avg_pool" else {}
    return lambda s, x: s.add(op, [x], x.shape, window | more, moves=op == "max_pool")


def table(s: Sketch, x: Tensor) -> Tensor:
    return s.add("lut", [x], x.shape, {}, {"table": s.rng.integers(-128, 128, 256).astype(np.int8)})


def tables(s: Sketch, x: Tensor) -> Tensor:
    """One table per channel."""
    values = s.rng.integers(-128, 128, (x.shape[2], 256)).astype(np.int8)
    return s.add("lut", [x], x.shape, {}, {"table": values})


def splat(s: Sketch, x: Tensor) -> Tensor:
    return s.add("mul", [x, constant(s, (1, 1, 1))], x.shape)


def concat(s: Sketch, x: Tensor) -> Tensor:
    height, columns, width = x.shape
    same = np.arange(-128, 128).astype(np.int8)
    first = s.add("requantize", [x], x.shape, moves=True)
    last = s.add("lut", [x], x.shape, {}, {"table": same}, moves=True)
    return s.add("concat", [first, x, last], (height, columns, 3 * width), {"axis": 2}, moves=True)


def concat_of_rows(s: Sketch, x: Tensor) -> Tensor:
    height, columns, width = x.shape
    return s.add("concat", [x, x], (2 * height, columns, width), {"axis": 0}, moves=True)


def part(step: int) -> Maker:
    def make(s: Sketch, x: Tensor) -> Tensor:
        inner = s.add("requantize", [x], x.shape)
        first = min(1, x.shape[2] - 1)
        sizes = (3, 2, (x.shape[2] - 1 - first) // step + 1)
        where = {"starts": (1, 2, first), "sizes": sizes, "steps": (1, step, step)}
        return s.add("requantize", [s.add("slice", [inner], sizes, where, moves=True)], sizes)

    return make


def pad(s: Sketch, x: Tensor) -> Tensor:
    height, columns, width = x.shape
    where = {"before": (1, 0, 3), "after": (0, 2, 1), "value": 7}
    return s.add("pad", [x], (height + 1, columns + 2, width + 4), where, moves=True)


def reshape(s: Sketch, x: Tensor) -> Tensor:
    return s.add("reshape", [x], (3, 2, x.size // 6), {}, moves=True)


def transpose(s: Sketch, x: Tensor) -> Tensor:
    return s.add("transpose", [x], x.shape[::-1], {"perm": (2, 1, 0)}, moves=True)


def matmul(*, turned: bool) -> Maker:
    """Two products: one that sums over the channels, one that makes as many."""

    def make(s: Sketch, x: Tensor) -> Tensor:
        width = x.shape[2]
        narrow = constant(s, (1, 7, width) if turned else (1, width, 7))
        first = s.add("matmul", [x, narrow], (*x.shape[:2], 7), {"transpose_b": turned})
        wide = constant(s, (1, width, 7) if turned else (1, 7, width))
        return s.add("matmul", [first, wide], x.shape, {"transpose_b": turned})

    return make


def conv(
    kernel: tuple[int, int] = (3, 3),
    outputs: int = 0,
    *,
    stride: int = 1,
    padded: bool = True,
    groups: Callable[[int], int] = lambda _width: 1,
    op: str = "conv",
) -> Maker:
    """Return a maker of convolutions; 0 outputs are as many as there are input channels."""

    def make(s: Sketch, x: Tensor) -> Tensor:
        width, pads = x.shape[2], (kernel[0] // 2, kernel[1] // 2) * 2 if padded else (0,) * 4
        channels, group = outputs or width, groups(width)
        rows, columns = (
            (size - 1) * stride + kernel[axis] - pads[axis] - pads[axis + 2]
            if op == "conv_transpose"
            else (size + pads[axis] + pads[axis + 2] - kernel[axis]) // stride + 1
            for axis, size in enumerate(x.shape[:2])
        )
        weight = s.rng.integers(-127, 128, (channels, *kernel, width // group)).astype(np.int8)
        scale = s.rng.uniform(0.001, 0.02, channels).astype(np.float32)
        spread = float(np.float32(x.scale * 0.4 * np.sqrt(weight[0].size)))
        bias = s.rng.normal(0, 1, channels)
        constants = ops.conv_constants(weight, scale, bias, x.scale, x.zero_point, spread)
        window = {"kernel": kernel, "strides": (stride, stride), "dilations": (1, 1), "pads": pads}
        attributes: dict[str, Any] = window | {"group": group}
        if op == "conv_transpose":
            attributes["output_padding"] = (0, 0)
        y = s.add(op, [x], (rows, columns, channels), attributes, constants)
        s.tensors[y.name] = Tensor(y.name, y.shape, spread, y.zero_point)
        return s.tensors[y.name]

    return make


def image(s: Sketch, x: Tensor) -> Tensor:
    """A convolution of a part of the input with so few channels that they are kept together."""
    shape = (*x.shape[:2], min(x.shape[2], 3))
    where = {"starts": (0, 0, 0), "sizes": shape, "steps": (1, 1, 1)}
    return conv((5, 5), 9)(s, s.add("slice", [x], shape, where, moves=True))


def divisor(width: int) -> int:
    """Return the largest divisor that leaves groups of two or more channels."""
    return max((g for g in range(1, min(width - 1, 8) + 1) if width % g == 0), default=1)


HEADS: Mapping[str, Maker] = MappingProxyType(
    {
        "add": pair("add"),
        "affine": MAKERS["affine"],
        "avg_pool": pool("avg_pool"),
        "conv": conv(),
        "depthwise": conv(groups=lambda width: width),
        "max_pool": pool("max_pool"),
        "mul": pair("mul"),
        "sub": pair("sub"),
        "table": table,
        "tables": tables,
    }
)
"""Operators that others may follow on each finished range."""
EPILOGUES = ("add", "affine", "mul by one channel", "table", "tables")
ALONE: Mapping[str, Maker] = MappingProxyType(
    {
        "concat": concat,
        "concat of rows": concat_of_rows,
        "conv_transpose": conv(stride=2, op="conv_transpose"),
        "grouped conv": conv(groups=divisor),
        "image": image,
        "matmul": matmul(turned=False),
        "matmul transposed": matmul(turned=True),
        "mul by one channel": splat,
        "pad": pad,
        "part": part(1),
        "requantize": MAKERS["requantize"],
        "reshape": reshape,
        "resize_linear": MAKERS["resize_linear"],
        "resize_nearest": MAKERS["resize_nearest"],
        "softmax": MAKERS["softmax"],
        "split_and_join": MAKERS["split_and_join"],
        "strided conv": conv(stride=2),
        "strided part": part(2),
        "transpose": transpose,
        # Panels of one to four vectors, by tiles of pixels and (a single pixel makes none) without.
        **{f"pointwise to {count}": conv((1, 1), count) for count in (10, 26, 42, 58, 130)},
        **{f"conv to a pixel of {count}": conv((5, 6), count, padded=False) for count in (10, 26, 42, 58)},
    }
)
KINDS = (*HEADS, *ALONE, *(f"{head} + {fused}" for head in HEADS for fused in EPILOGUES))


def program_of(kind: str, width: int, seed: int) -> Program:
    """Return a program of an operator (and one that follows it) with `width` channels."""
    s = Sketch(np.random.default_rng([seed, width, KINDS.index(kind)]))
    head, _, fused = kind.partition(" + ")
    x = s.new((5, 6, width))
    s.inputs.append(x.name)
    if fused != "add":
        y = (HEADS | ALONE)[head](s, x)
        if fused:
            (HEADS | ALONE)[fused](s, y)
        return s.program()
    other = s.new(x.shape)  # before the head, which it must not wait for
    s.inputs.append(other.name)
    y = HEADS[head](s, x)
    s.add("add", [y, other], y.shape)
    return s.program()
