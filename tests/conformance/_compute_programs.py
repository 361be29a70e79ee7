"""Random programs of every operator: chains, branches, slices and concats, with hard zero points and clamps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from axemu.model import ops
from axemu.model.program import Node, Program, Tensor

Shape = tuple[int, int, int]
ZERO_POINTS = (-300, -130, -128, 0, 7, 127, 128, 300)
CHANNELS = (1, 2, 3, 4, 5, 8, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 64, 65, 70, 80, 96, 130)


class Sketch:
    """A program under construction."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray[Any, Any]] = {}
        self.inputs: list[str] = []
        self.outputs: set[str] = set()

    def pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def integers(self, low: int, high: int, count: int) -> tuple[int, ...]:
        """Draw `count` integers, both bounds included."""
        return tuple(int(value) for value in self.rng.integers(low, high + 1, count))

    def new(self, shape: Shape, like: Tensor | None = None) -> Tensor:
        """Add a tensor, of the quantisation of another or of a random one."""
        name = f"t{len(self.tensors)}"
        if like is not None:
            scale, zero = like.scale, like.zero_point
        else:
            scale = self.pick([float(np.float32(self.rng.uniform(0.002, 0.5))), 7 / 128, 1.0, 0.5, 61 / 64])
            zero = self.pick(ZERO_POINTS) if self.chance(0.5) else int(self.rng.integers(-128, 128))
        tensor = Tensor(name, shape, scale, zero)
        self.tensors[name] = tensor
        return tensor

    def add(
        self,
        op: str,
        inputs: list[Tensor],
        shape: Shape,
        attributes: dict[str, Any] | None = None,
        constants: dict[str, np.ndarray[Any, Any]] | None = None,
        *,
        moves: bool = False,
    ) -> Tensor:
        output = self.new(shape, inputs[0] if moves else None)
        name = f"{op}{len(self.nodes)}"
        roles = {}
        for role, value in (constants or {}).items():
            self.constants[f"{name}.{role}"] = value
            roles[role] = f"{name}.{role}"
        names = tuple(tensor.name for tensor in inputs)
        self.nodes.append(Node(op, name, names, output.name, attributes or {}, roles))
        return output

    def clamp(self) -> dict[str, int]:
        if self.chance(0.6):
            return {}
        low, high = sorted(self.integers(-128, 127, 2))
        return {"qmin": low, "qmax": high}

    def rounding(self) -> dict[str, bool]:
        return self.pick([{}, {"round_scales": True}, {"round_scales": False}])

    def any_tensor(self) -> Tensor:
        """Pick a tensor, late ones more often."""
        names = list(self.tensors)
        return self.tensors[
            names[max(int(self.rng.integers(len(names))), int(self.rng.integers(len(names))))]
        ]

    def program(self, batch: int = 1) -> Program:
        used = {name for node in self.nodes for name in node.inputs}
        sinks = [name for name in self.tensors if name not in used]
        extra = [
            name for name in self.tensors if name in used and self.chance(0.1) and name not in self.inputs
        ]
        outputs = tuple(dict.fromkeys([*sinks, *extra]))
        return Program(
            "random", batch, self.tensors, tuple(self.nodes), tuple(self.inputs), outputs, self.constants
        )


def conv(s: Sketch, x: Tensor) -> Tensor:
    return _convolve(s, x, transposed=False)


def conv_transpose(s: Sketch, x: Tensor) -> Tensor:
    return _convolve(s, x, transposed=True)


def _convolve(s: Sketch, x: Tensor, *, transposed: bool) -> Tensor:
    height, width, channels = x.shape
    kernel = s.integers(1, 3, 2) if s.chance(0.8) else s.integers(1, 7, 2)
    strides = s.pick([(1, 1), (1, 1), (2, 2), (2, 1), (3, 2)])
    dilations = s.pick([(1, 1), (1, 1), (1, 1), (2, 2), (1, 3)])
    pads = s.pick([(0, 0, 0, 0), (1, 1, 1, 1), s.integers(0, 3, 4)])
    extent = [(kernel[axis] - 1) * dilations[axis] + 1 for axis in (0, 1)]
    extra = s.integers(0, 1, 2)
    if transposed:
        rows = (height - 1) * strides[0] + extent[0] - pads[0] - pads[2] + extra[0]
        columns = (width - 1) * strides[1] + extent[1] - pads[1] - pads[3] + extra[1]
    else:
        rows = (height + pads[0] + pads[2] - extent[0]) // strides[0] + 1
        columns = (width + pads[1] + pads[3] - extent[1]) // strides[1] + 1
    if rows < 1 or columns < 1 or rows * columns > 1200:
        return x
    outputs = s.pick(CHANNELS)
    group = 1
    style = s.rng.random()
    if style < 0.25:
        group, outputs = channels, channels
    elif style < 0.45:
        divisors = [g for g in range(2, channels + 1) if channels % g == 0]
        if divisors:
            group = s.pick(divisors)
            outputs = group * s.pick([1, 2, 3, 4, 8])
    if outputs > 300:
        return x
    low = s.pick([-127, -127, 100])
    weight = s.rng.integers(low, 128, (outputs, *kernel, channels // group)).astype(np.int8)
    scale = s.rng.uniform(0.001, 0.02, outputs).astype(np.float32)
    # A deep chain can end in tiny scales; a bias beyond int32 steps of one is refused at compile time.
    steps = 2.0**29 * x.scale * scale.astype(np.float64)
    bias = np.clip(s.rng.normal(0, 3, outputs), -steps, steps) if s.chance(0.8) else None
    spread = float(np.float32(x.scale * 0.01 * 40 * np.sqrt(weight[0].size) / s.pick([1, 20, 80])))
    constants = ops.conv_constants(weight, scale, bias, x.scale, x.zero_point, spread)
    attributes: dict[str, Any] = {
        "kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads, "group": group, **s.clamp()
    }  # fmt: skip
    if transposed:
        attributes["output_padding"] = extra
    y = s.add(
        "conv_transpose" if transposed else "conv", [x], (rows, columns, outputs), attributes, constants
    )
    s.tensors[y.name] = Tensor(y.name, y.shape, spread, y.zero_point)
    return s.tensors[y.name]


def conv_add(s: Sketch, x: Tensor) -> Tensor:
    """A convolution whose output another tensor of its shape, or one made for it, is added to."""
    y = _convolve(s, x, transposed=False)
    if y is x:
        return x
    fitting = [t for t in s.tensors.values() if t.shape == y.shape and t.name != y.name]
    node = s.nodes.pop()
    other = s.pick(fitting) if fitting and s.chance(0.7) else constant(s, y.shape)
    s.nodes.append(Node("conv_add", node.name, (x.name, other.name), y.name, node.attributes, node.constants))
    return y


def _pool(s: Sketch, x: Tensor, op: str, attributes: dict[str, Any], *, moves: bool) -> Tensor:
    height, width, channels = x.shape
    if s.chance(0.3):
        kernel, strides, dilations, pads = (height, width), (1, 1), (1, 1), (0, 0, 0, 0)
    else:
        kernel, strides = s.integers(1, 4, 2), s.integers(1, 3, 2)
        dilations = s.pick([(1, 1), (1, 2), (2, 1)])
        pads = s.integers(0, 2, 4) if s.chance(0.6) else (0, 0, 0, 0)
        if op == "avg_pool":
            pads = tuple(min(pad, kernel[axis % 2] - 1) for axis, pad in enumerate(pads))
            dilations = (1, 1)
    rows = (height + pads[0] + pads[2] - ((kernel[0] - 1) * dilations[0] + 1)) // strides[0] + 1
    columns = (width + pads[1] + pads[3] - ((kernel[1] - 1) * dilations[1] + 1)) // strides[1] + 1
    if rows < 1 or columns < 1:
        return x
    attributes = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": pads, **attributes}
    return s.add(op, [x], (rows, columns, channels), attributes, moves=moves)


def max_pool(s: Sketch, x: Tensor) -> Tensor:
    return _pool(s, x, "max_pool", {}, moves=True)


def avg_pool(s: Sketch, x: Tensor) -> Tensor:
    return _pool(s, x, "avg_pool", {"count_include_pad": s.chance(0.5)}, moves=False)


def elementwise(s: Sketch, x: Tensor) -> Tensor:
    height, width, channels = x.shape
    shapes = {x.shape, (1, 1, channels), (1, 1, 1), (height, width, 1)}
    fitting = [tensor for tensor in s.tensors.values() if tensor.shape in shapes]
    other = s.pick(fitting)
    if s.chance(0.4):
        other = constant(s, s.pick(sorted(shapes)))
    pair = [x, other] if other.shape != x.shape or s.chance(0.5) else [other, x]
    attributes = {**s.clamp(), **s.rounding()}
    return s.add(s.pick(["add", "add", "sub", "mul"]), pair, x.shape, attributes)


def constant(s: Sketch, shape: Shape) -> Tensor:
    value = s.rng.integers(-128, 128, shape).astype(np.int8)
    output = s.new(shape)
    name = f"constant{len(s.nodes)}"
    s.constants[name] = value
    s.nodes.append(Node("constant", name, (), output.name, {}, {"value": name}))
    return output


def affine(s: Sketch, x: Tensor) -> Tensor:
    constants = {
        "multiplier": s.rng.normal(0, 1, x.shape[2]).astype(np.float32),
        "addend": s.rng.normal(0, 1, x.shape[2]).astype(np.float32),
    }
    return s.add("affine", [x], x.shape, s.clamp(), constants)


def lut(s: Sketch, x: Tensor) -> Tensor:
    shape = (256,) if s.chance(0.7) else (x.shape[2], 256)
    return s.add("lut", [x], x.shape, {}, {"table": s.rng.integers(-128, 128, shape).astype(np.int8)})


def requantize(s: Sketch, x: Tensor) -> Tensor:
    return s.add("requantize", [x], x.shape, s.rounding())


def concat(s: Sketch, x: Tensor) -> Tensor:
    axis = s.pick([2, 2, 2, 0, 1])
    rest = [x.shape[i] for i in range(3) if i != axis]
    fitting = [
        tensor
        for tensor in s.tensors.values()
        if [tensor.shape[i] for i in range(3) if i != axis] == rest
        and (tensor.scale, tensor.zero_point) == (x.scale, x.zero_point)
    ]
    members = [x, *(s.pick(fitting) for _ in range(int(s.rng.integers(0, 3))))]
    shape = list(x.shape)
    shape[axis] = sum(tensor.shape[axis] for tensor in members)
    return s.add("concat", members, (shape[0], shape[1], shape[2]), {"axis": axis}, moves=True)


def part(s: Sketch, x: Tensor) -> Tensor:
    steps = (1, 1, 1) if s.chance(0.7) else s.integers(1, 2, 3)
    starts, sizes = [], []
    for axis in range(3):
        if axis < 2 and s.chance(0.6):
            starts.append(0)
            sizes.append((x.shape[axis] - 1) // steps[axis] + 1)
            continue
        start = int(s.rng.integers(0, x.shape[axis]))
        starts.append(start)
        sizes.append(int(s.rng.integers(1, (x.shape[axis] - 1 - start) // steps[axis] + 2)))
    attributes = {"starts": tuple(starts), "sizes": tuple(sizes), "steps": steps}
    return s.add("slice", [x], (sizes[0], sizes[1], sizes[2]), attributes, moves=True)


def split_and_join(s: Sketch, x: Tensor) -> Tensor:
    """Halves of the channels, one of them worked on, joined with it: the shape of a cross-stage block."""
    half = x.shape[2] // 2
    if half < 1:
        return x
    halves = []
    for start, size in ((0, half), (half, x.shape[2] - half)):
        shape = (*x.shape[:2], size)
        attributes = {"starts": (0, 0, start), "sizes": shape, "steps": (1, 1, 1)}
        halves.append(s.add("slice", [x], shape, attributes, moves=True))
    table = s.rng.integers(-128, 128, 256).astype(np.int8)
    more = s.add("lut", [halves[1]], halves[1].shape, {}, {"table": table}, moves=True)
    members = [*halves, more]
    shape = (*x.shape[:2], sum(tensor.shape[2] for tensor in members))
    return s.add("concat", members, shape, {"axis": 2}, moves=True)


def pad(s: Sketch, x: Tensor) -> Tensor:
    before, after = s.integers(0, 2, 3), s.integers(0, 3, 3)
    shape = tuple(size + low + high for size, low, high in zip(x.shape, before, after, strict=True))
    attributes = {"before": before, "after": after, "value": int(s.rng.integers(-128, 128))}
    return s.add("pad", [x], (shape[0], shape[1], shape[2]), attributes, moves=True)


def reshape(s: Sketch, x: Tensor) -> Tensor:
    size = x.size
    first = s.pick([n for n in range(1, size + 1) if size % n == 0])
    second = s.pick([n for n in range(1, size // first + 1) if (size // first) % n == 0])
    return s.add("reshape", [x], (first, second, size // first // second), {}, moves=True)


def transpose(s: Sketch, x: Tensor) -> Tensor:
    perm = tuple(int(axis) for axis in s.rng.permutation(3))
    return s.add(
        "transpose", [x], (x.shape[perm[0]], x.shape[perm[1]], x.shape[perm[2]]), {"perm": perm}, moves=True
    )


def resize_nearest(s: Sketch, x: Tensor) -> Tensor:
    rows, columns = s.integers(1, 12, 2)
    constants = {
        "index_h": s.rng.integers(0, x.shape[0], rows).astype(np.int32),
        "index_w": s.rng.integers(0, x.shape[1], columns).astype(np.int32),
    }
    return s.add("resize_nearest", [x], (rows, columns, x.shape[2]), {}, constants, moves=True)


def resize_linear(s: Sketch, x: Tensor) -> Tensor:
    rows, columns = s.integers(1, 10, 2)
    shares = [s.rng.uniform(0, 1, count).astype(np.float32) for count in (rows, columns)]
    constants = {
        "index_h": s.rng.integers(0, x.shape[0], (rows, 2)).astype(np.int32),
        "weight_h": np.stack([shares[0], 1 - shares[0]], axis=1),
        "index_w": s.rng.integers(0, x.shape[1], (columns, 2)).astype(np.int32),
        "weight_w": np.stack([shares[1], 1 - shares[1]], axis=1),
    }
    return s.add("resize_linear", [x], (rows, columns, x.shape[2]), {}, constants)


def matmul(s: Sketch, x: Tensor) -> Tensor:
    transposed = s.chance(0.5)
    fitting = [
        tensor
        for tensor in s.tensors.values()
        if (tensor.shape[2] if transposed else tensor.shape[0] * tensor.shape[1]) == x.shape[2]
    ]
    outputs = int(s.rng.integers(1, 40))
    other = s.pick(fitting) if fitting else None
    if other is None or s.chance(0.5):
        other = constant(s, (1, outputs, x.shape[2]) if transposed else (1, x.shape[2], outputs))
    width = other.shape[0] * other.shape[1] if transposed else other.shape[2]
    if width > 400:
        return x
    return s.add("matmul", [x, other], (*x.shape[:2], width), {"transpose_b": transposed})


def softmax(s: Sketch, x: Tensor) -> Tensor:
    return s.add("softmax", [x], x.shape, {}, ops.softmax_constants(x.scale))


MAKERS: dict[str, Callable[[Sketch, Tensor], Tensor]] = {
    "affine": affine,
    "avg_pool": avg_pool,
    "concat": concat,
    "conv": conv,
    "conv_add": conv_add,
    "conv_transpose": conv_transpose,
    "elementwise": elementwise,
    "lut": lut,
    "matmul": matmul,
    "max_pool": max_pool,
    "pad": pad,
    "requantize": requantize,
    "reshape": reshape,
    "resize_linear": resize_linear,
    "resize_nearest": resize_nearest,
    "slice": part,
    "softmax": softmax,
    "split_and_join": split_and_join,
    "transpose": transpose,
}
"""What can be added to a program, by name."""

COMMON = ("conv", "conv", "conv", "elementwise", "lut", "concat", "split_and_join", "max_pool")


def random_program(seed: int, maker: str, more: int, batch: int = 1) -> Program:
    """Return a program with one node of a kind, and up to `more` others before and after it."""
    s = Sketch(np.random.default_rng(seed))
    height, width = s.integers(1, 10, 2)
    s.inputs.append(s.new((height, width, s.pick(CHANNELS))).name)
    before = int(s.rng.integers(0, more + 1))
    for index in range(more + 1):
        kind = maker if index == before else s.pick(COMMON) if s.chance(0.7) else s.pick(sorted(MAKERS))
        x = s.any_tensor()
        if x.size <= 60_000:
            MAKERS[kind](s, x)
    if not s.nodes:
        lut(s, s.any_tensor())
    return s.program(batch)


def random_frames(program: Program, seed: int) -> dict[str, np.ndarray[Any, np.dtype[np.int8]]]:
    """Return input values (batch, H, W, C) by name, some of them extreme."""
    rng = np.random.default_rng(seed)
    frames = {}
    for name in program.inputs:
        shape = (program.batch, *program.tensors[name].shape)
        values = rng.integers(-128, 128, shape)
        style = rng.random()
        if style < 0.15:
            values = rng.choice([-128, 127], shape)
        elif style < 0.2:
            values = np.full(shape, rng.choice([-128, 127]))
        frames[name] = values.astype(np.int8)
    return frames
