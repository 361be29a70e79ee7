"""Networks as the vendor's compiler writes them, layer by layer, with a directory around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests._vendor.reference import f18
from tests._vendor.writer import Script, write_archive

from axemu.driver import TensorInfo
from axemu.model import MemoryPool, manifest_json, model_json

QTOOLS = "ops.qtools_cpp_ext."
Pads = tuple[int, int, int, int]


class Network(Script):
    """Knows scale and zero point of what it has quantised, by the name of the value."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.quantisation: dict[str, tuple[float, int]] = {}
        self.layers: dict[str, str] = {}
        """For each part that makes integers, the tensor of the translation that they are in."""
        self._tensors: dict[str, str] = {}

    def quantise(self, name: str, value: str, scale: float, zero: int) -> str:
        s, z = self.constant([scale]), self.constant([zero])
        result = self.module(
            name, [f"input = {QTOOLS}quantize(argument_1, {s}, {z}, True)", "return input"], value
        )
        self.quantisation[result] = (float(np.float32(scale)), zero)
        if value in self._tensors:
            self.layers[name] = self._tensors[value] or f"{name}:0"
        return result

    def dequantise(self, name: str, value: str) -> str:
        scale, zero = self.quantisation[value]
        s, z = self.constant([scale]), self.constant([zero])
        result = self.module(name, [f"x = {QTOOLS}dequantize(argument_1, {s}, {z}, True)", "return x"], value)
        self._tensors[result] = ""  # what is quantised again is called what its quantiser is called
        return result

    def conv(
        self,
        name: str,
        value: str,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int] = (1, 1),
        strides: tuple[int, int] = (1, 1),
        pads: Pads = (0, 0, 0, 0),
        dilations: tuple[int, int] = (1, 1),
        group: int = 1,
        *,
        bias: bool = True,
        changes: dict[str, Any] | None = None,
    ) -> str:
        """Add a convolution; `pads` are top, left, bottom, right. `changes` replace constants by role."""
        scale, zero = self.quantisation[value]
        weight = self.rng.integers(-127, 128, (outputs, inputs // group, *kernel)).astype(np.float32)
        weight_scale = self.rng.uniform(0.002, 0.01, outputs).astype(np.float32)
        product = f18(np.float32(scale) * weight_scale)
        made: dict[str, Any] = {
            "weight": weight,
            "bias": f18(self.rng.normal(0, 2, outputs).astype(np.float32) / product),
            "scale": product,
            "offset": f18((weight.reshape(outputs, -1).sum(axis=1) * zero).astype(np.float32)),
            "border": float(zero),
        } | (changes or {})
        by_channel = (1, outputs, 1, 1)
        w, s, o = self.constant(made["weight"]), *(
            self.constant(np.reshape(made[role], by_channel)) for role in ("scale", "offset")
        )  # fmt: skip
        top, left, bottom, right = pads
        window = f"{list(strides)}, [0, 0], {list(dilations)}, False, [0, 0], {group}"
        call = f"x, w, None, {window}, False, False, True, True"
        lines = [
            f'x = torch.pad(argument_1, [{left}, {right}, {top}, {bottom}], "constant", {made["border"]})',
            f"w = {QTOOLS}fake_cast_int8({w})",
            f"_2 = torch._convolution({call})",
            f"_3 = {QTOOLS}fake_cast_float32(_2)",
            f"_4 = {QTOOLS}round_float18(_3)",
        ]
        if bias:
            b = self.constant(np.reshape(made["bias"], by_channel))
            lines += [f"_5 = {QTOOLS}add_by_constant(_4, {b})", f"_4 = {QTOOLS}round_float18(_5)"]
        lines += [f"_7 = {QTOOLS}fake_dequantize(_4, {s}, {o}, True)", "return _7"]
        return self._real(name, lines, value)

    def average(
        self, name: str, value: str, kernel: tuple[int, int], pads: Pads = (0, 0, 0, 0), *, factor: float = 0
    ) -> str:
        scale, zero = self.quantisation[value]
        share, s, z = (
            self.constant([number])
            for number in (factor or f18(np.float32(1) / np.float32(kernel[0] * kernel[1])), f18(scale), zero)
        )
        top, left, bottom, right = pads
        lines = [
            f'x = torch.pad(argument_1, [{left}, {right}, {top}, {bottom}], "constant", {float(zero)})',
            f"_2 = torch.avg_pool2d(x, {list(kernel)}, {list(kernel)}, [0, 0], False, True, 1)",
            f"_3 = {QTOOLS}fake_cast_float32(_2)",
            f"_4 = {QTOOLS}round_float18(_3)",
            f"_5 = {QTOOLS}mul_by_constant(_4, {share})",
            f"_6 = {QTOOLS}round_float18(_5)",
            f"_7 = {QTOOLS}fake_dequantize(_6, {s}, {z}, True)",
            "return _7",
        ]
        return self._real(name, lines, value)

    def _real(self, name: str, lines: Sequence[str], *values: str) -> str:
        result = self.module(name, lines, *values)
        self._tensors[result] = f"{name}:0"
        return result

    def maximum(
        self,
        name: str,
        value: str,
        kernel: tuple[int, int],
        strides: tuple[int, int],
        pads: Pads = (0, 0, 0, 0),
    ) -> str:
        zero = self.constant(0, "int64")
        top, left, bottom, right = (f"int({zero})" if pad == 0 else str(pad) for pad in pads)
        lines = [
            f"_0 = [{left}, {right}, {top}, {bottom}]",
            'input = torch.pad(argument_1, _0, "constant", -128.)',
            f"input0 = torch.max_pool2d(input, {list(kernel)}, {list(strides)}, [0, 0], [1, 1])",
            "return input0",
        ]
        result = self.module(name, lines, value)
        self.quantisation[result] = self.quantisation[value]
        self.layers[name] = f"{name}:0"
        return result

    def concat(self, name: str, *values: str, axis: int = 1) -> str:
        names = ", ".join(f"argument_{index + 1}" for index in range(len(values)))
        result = self.module(name, [f"input = torch.cat([{names}], {axis})", "return input"], *values)
        self.quantisation[result] = self.quantisation[values[0]]
        self.layers[name] = f"{name}:0"
        return result

    def join(self, name: str, op: str, left: str, right: str) -> str:
        lines = [
            "x = torch.alias(argument_1)",
            f"_0 = {QTOOLS}round_float18(torch.{op}(x, argument_2))",
            "return _0",
        ]
        return self._real(name, lines, left, right)

    def directory(
        self,
        path: Path,
        inputs: Sequence[TensorInfo],
        outputs: dict[str, TensorInfo],
    ) -> Path:
        """Write a compiled-model directory; `outputs` are buffers by the quantised value that each holds."""
        returned = [self.dequantise(f"out_{index}/dre", value) for index, value in enumerate(outputs)]
        path.mkdir(parents=True)
        model = model_json(list(inputs), list(outputs.values()), [MemoryPool("l2_const", 4096, "l2")])
        manifest = manifest_json(
            list(inputs),
            list(outputs.values()),
            input_names=["x"],
            input_shapes_original=[info.shape for info in inputs],
            output_shapes_original=[info.shape for info in outputs.values()],
            quantized_model_file="somewhere/quantized_model.pt",
        )
        (path / "model.json").write_text(json.dumps(model), encoding="utf-8")
        (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        write_archive(path / "quantized_model.pt", self.members(*returned))
        return path

    def port(
        self,
        value: str,
        shape: tuple[int, int, int],
        padded: tuple[int, int, int] | None = None,
        **options: Any,
    ) -> TensorInfo:
        """Return the buffer (1, H, W, C) of a quantised value, padded behind to `padded`."""
        scale, zero = self.quantisation[value]
        padded = padded or shape
        padding = [(0, 0), *((0, whole - inner) for whole, inner in zip(padded, shape, strict=True))]
        return TensorInfo(
            (options.get("batch", 1), *padded),
            name="t",
            padding=options.get("padding", padding),
            scale=scale,
            zero_point=zero,
        )


Built = tuple["Network", str, tuple[int, int, int], dict[str, tuple[int, int, int]]]
"""A network, its input and the shape of that, and its outputs with their shapes."""


def residual(seed: int) -> Built:
    """Return the layers of a ResNet: a wide stem, a pool, blocks with and without a convolution beside, a whole-map pool."""
    net = Network(seed)
    x = net.quantise("x_qre", "input_1", 0.0186, -14)
    a = net.quantise("a_qre", net.conv("stem/Conv", x, 3, 8, (7, 7), (2, 2), (3, 3, 3, 3)), 0.11, -128)
    a = net.maximum("MaxPool", a, (3, 3), (2, 2), (1, 1, 1, 1))
    b = net.quantise("b_qre", net.conv("b/Conv", a, 8, 8, (3, 3), pads=(1, 1, 1, 1)), 0.92, -128)
    added = net.join(
        "b/Add", "add", net.conv("b2/Conv", b, 8, 8, (3, 3), pads=(1, 1, 1, 1)), net.dequantise("a_dre", a)
    )
    b = net.quantise("b2_qre", added, 3.0, -128)
    c = net.quantise("c_qre", net.conv("c/Conv", b, 8, 16, (3, 3), (2, 2), (1, 1, 1, 1)), 5.7, -128)
    beside = net.quantise("beside_qre", net.conv("beside/Conv", b, 8, 16, (1, 1), (2, 2)), 2.3, 4)
    deep = net.conv("c2/Conv", c, 16, 16, (3, 3), pads=(1, 1, 1, 1))
    d = net.quantise(
        "d_qre", net.join("c/Add", "add", net.dequantise("beside_dre", beside), deep), 16.0, -128
    )
    pooled = net.quantise("pool_qre", net.average("GlobalAveragePool", d, (4, 4)), 5.3, -128)
    y = net.quantise("y_qre", net.conv("fc/Gemm", pooled, 16, 10), 10.0, 7)
    return net, x, (32, 32, 3), {y: (1, 1, 10)}


def separable(seed: int) -> Built:
    """Return the layers of a MobileNet: depthwise and pointwise convolutions, borders that differ, a linear block with its sum."""
    net = Network(seed)
    x = net.quantise("x_qre", "input_1", 1 / 255, -128)
    a = net.quantise("a_qre", net.conv("stem/Conv", x, 3, 8, (3, 3), (2, 2), (0, 0, 1, 1)), 0.03, -128)
    b = net.quantise("b_qre", net.conv("dw/Conv", a, 8, 8, (3, 3), pads=(1, 1, 1, 1), group=8), 0.057, -128)
    c = net.quantise("c_qre", net.conv("pw/Conv", b, 8, 8), 0.091, 9)
    e = net.quantise("e_qre", net.conv("expand/Conv", c, 8, 24), 0.066, -128)
    f = net.quantise(
        "f_qre", net.conv("dw5/Conv", e, 24, 24, (5, 5), (1, 1), (2, 2, 2, 2), group=24), 0.082, -128
    )
    real = net.join("Add", "add", net.conv("project/Conv", f, 24, 8), net.dequantise("c_dre", c))
    g = net.quantise("g_qre", real, 0.22, -3)
    twice = net.quantise(
        "twice_qre",
        net.conv("multiplier/Conv", g, 8, 16, (3, 3), (2, 2), (0, 0, 1, 1), group=8),
        0.26,
        -128,
    )
    y = net.quantise("y_qre", net.average("AveragePool", twice, (2, 2)), 0.28, 0)
    return net, x, (16, 16, 3), {y: (2, 2, 16)}


def neck(seed: int) -> Built:
    """Return the layers of a detector but for its activations: pools in a row, joined maps, joined rows, three outputs."""
    net = Network(seed)
    x = net.quantise("x_qre", "input_1", 0.0039213, -128)
    a = net.quantise("a_qre", net.conv("a/Conv", x, 3, 8, (3, 3), (2, 2), (1, 1, 1, 1)), 0.049, -20)
    pools = [a]
    for index in range(3):
        pools.append(net.maximum(f"pool{index}", pools[-1], (5, 5), (1, 1), (2, 2, 2, 2)))
    whole = net.concat("SPPF", *pools)
    b = net.quantise("b_qre", net.conv("b/Conv", whole, 32, 8), 0.26, 11)
    down = net.quantise("down_qre", net.conv("down/Conv", b, 8, 8, (3, 3), (2, 2), (1, 1, 1, 1)), 0.91, 0)
    wide = net.quantise(
        "wide_qre", net.conv("wide/Conv", b, 8, 8, (3, 3), (2, 2), (2, 2, 2, 2), (2, 2), 2), 0.91, 0
    )
    joined = net.concat("Concat", down, wide)
    rows = net.concat("Rows", down, wide, axis=2)
    box = net.quantise("box_qre", net.conv("box/Conv", joined, 16, 64), 2.7, -52)
    classes = net.quantise("classes_qre", net.conv("classes/Conv", joined, 16, 5), 1.2, 104)
    return net, x, (16, 16, 3), {box: (4, 4, 64), classes: (4, 4, 5), rows: (8, 4, 8)}


def everything(seed: int = 0) -> tuple[Network, str, str]:
    """Return a network with every layer the vendor's programs are known to have, its input and its output."""
    net = Network(seed)
    x = net.quantise("input_qre", "input_1", 0.05, -7)
    a = net.quantise("a_qre", net.conv("a/Conv", x, 3, 8, (3, 3), pads=(1, 1, 1, 1)), 0.06, -128)
    b = net.quantise(
        "b_qre", net.conv("b/Conv", a, 8, 8, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), group=4), 0.21, 3
    )
    added = net.join("Add", "add", net.conv("c/Conv", b, 8, 8), net.dequantise("a_dre", a))
    c = net.quantise("c_qre", added, 0.31, -20)
    pooled = net.quantise("pool_qre", net.average("pool/AveragePool", c, (8, 8)), 0.1, 5)
    centred = net.join("Sub", "sub", net.dequantise("c_dre", c), net.dequantise("pool_dre", pooled))
    d = net.quantise("d_qre", centred, 0.25, 11)
    e = net.quantise("e_qre", net.conv("e/Conv", c, 8, 8, bias=False), 0.25, 11)
    joined = net.concat("Concat", d, e)
    most = net.maximum("MaxPool", joined, (3, 3), (2, 2), (1, 1, 1, 1))
    f = net.quantise("f_qre", net.dequantise("f_dre", most), 0.4, 0)
    return net, x, net.quantise("y_qre", net.conv("y/Conv", f, 16, 10, (4, 4)), 2.5, -30)


def frame(net: Network, value: str, shape: tuple[int, int, int], seed: int) -> npt.NDArray[np.float32]:
    """Return a real frame (1, C, H, W) whose quantised values fill int8."""
    scale, zero = net.quantisation[value]
    height, width, channels = shape
    codes = np.random.default_rng(seed).uniform(-150, 150, (1, channels, height, width))
    return ((codes - zero) * scale).astype(np.float32)
