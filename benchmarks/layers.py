"""Single layers next to ONNX Runtime, and what each stage of the `metis` epilogue costs.

    python benchmarks/layers.py [--write]

ONNX Runtime runs its own channels-last operators on unsigned bytes, as it does inside an optimised network: no
conversions and no transpositions at the ends.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from _measure import COUNTED, alternate, machine, milliseconds, ratio, replace_section
from _onnx import session
from _stages import job, started
from onnx import TensorProto, helper, numpy_helper

from axemu.emulator.compute import ThreadBudget, _build, available_paths, load
from axemu.emulator.compute._arguments import Operands
from axemu.emulator.compute._compiled import CompiledExecutable
from axemu.emulator.compute._library import Library, library
from axemu.emulator.compute._paths import SPECS
from axemu.emulator.compute.ops.conv.arguments import MATRIX, PAIRS, PIXELS
from axemu.emulator.compute.ops.move.arguments import COPY
from axemu.model.ops import conv_constants
from axemu.model.program import Node, Program, Tensor

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Layer:
    """A convolution, pool or sum."""

    name: str
    op: str
    shape: Shape
    outputs: int = 0
    kernel: int = 1
    stride: int = 1
    group: int = 1

    @property
    def output(self) -> Shape:
        pad = self.kernel // 2
        rows, columns = ((size + 2 * pad - self.kernel) // self.stride + 1 for size in self.shape[:2])
        return rows, columns, self.outputs or self.shape[2]

    @property
    def window(self) -> dict[str, Any]:
        pad = self.kernel // 2
        return {
            "kernel": (self.kernel, self.kernel),
            "strides": (self.stride, self.stride),
            "dilations": (1, 1),
            "pads": (pad, pad, pad, pad),
        }


LAYERS = (
    Layer("7×7/2 3→64 @224", "conv", (224, 224, 3), 64, 7, 2),
    Layer("1×1 64→256 @56", "conv", (56, 56, 64), 256),
    Layer("1×1 256→64 @56", "conv", (56, 56, 256), 64),
    Layer("3×3 64 @56", "conv", (56, 56, 64), 64, 3),
    Layer("3×3 128 @28", "conv", (28, 28, 128), 128, 3),
    Layer("3×3 256 @14", "conv", (14, 14, 256), 256, 3),
    Layer("3×3 512 @7", "conv", (7, 7, 512), 512, 3),
    Layer("1×1 1024→2048 @7", "conv", (7, 7, 1024), 2048),
    Layer("fully connected 2048→1024", "conv", (1, 1, 2048), 1024),
    Layer("depthwise 3×3 32 @112", "conv", (112, 112, 32), 32, 3, 1, 32),
    Layer("depthwise 3×3/2 96 @112", "conv", (112, 112, 96), 96, 3, 2, 96),
    Layer("depthwise 3×3 576 @14", "conv", (14, 14, 576), 576, 3, 1, 576),
    Layer("add 256 @56", "add", (56, 56, 256)),
    Layer("maximum pool 3×3/2 64 @112", "max_pool", (112, 112, 64), 0, 3, 2),
)


def weights_of(layer: Layer) -> Any:
    shape = (layer.outputs, layer.kernel, layer.kernel, layer.shape[2] // layer.group)
    return np.random.default_rng(2).integers(-127, 128, shape).astype(np.int8)


def program_of(layer: Layer) -> Program:
    """Return the layer alone, between tensors that are not the program's ends."""
    x = Tensor("x", layer.shape, 0.02, 0)
    y = Tensor("y", layer.output, 0.02 if layer.op == "max_pool" else 0.04, 0)
    constants: dict[str, Any] = {}
    attributes, inputs = (layer.window, ("x",)) if layer.op != "add" else ({}, ("x", "x"))
    if layer.op == "conv":
        weight = weights_of(layer)
        scale = np.full(layer.outputs, 0.002 / np.sqrt(weight[0].size), np.float32)
        constants = conv_constants(weight, scale, np.zeros(layer.outputs), x.scale, 0, y.scale)
        attributes = {**attributes, "group": layer.group}
    roles = {role: role for role in constants}
    node = Node(layer.op, "layer", inputs, "y", attributes, roles)
    return Program("layer", 1, {"x": x, "y": y}, (node,), ("x",), ("y",), constants)


def stage_runner(executable: Any) -> Callable[[], object]:
    """Return a function that runs the layer's own stages, without copying the ends in and out."""
    runner, stages = started(executable)
    copy = executable.library.address(COPY().name)
    return job(executable, runner, [stage for stage in stages if stage.function != copy])


def onnx_of(layer: Layer) -> tuple[bytes, Any]:
    """Return ONNX Runtime's channels-last operator on bytes, and its input."""
    frame = np.random.default_rng(1).integers(0, 256, (1, *layer.shape)).astype(np.uint8)
    domain = "com.microsoft"
    zero, scale = np.uint8(128), np.float32(0.02)
    values: dict[str, Any] = {"s": scale, "z": zero, "t": np.float32(0.04)}
    pad = layer.kernel // 2
    window = {
        "kernel_shape": [layer.kernel] * 2,
        "strides": [layer.stride] * 2,
        "pads": [pad] * 4,
        "domain": domain,
    }
    if layer.op == "conv":
        weight = weights_of(layer)
        values |= {
            "w": np.ascontiguousarray(weight.transpose(0, 3, 1, 2)),
            "ws": np.full(layer.outputs, 0.002 / np.sqrt(weight[0].size), np.float32),
            "wz": np.zeros(layer.outputs, np.int8),
            "b": np.zeros(layer.outputs, np.int32),
        }
        names = ["x", "s", "z", "w", "ws", "wz", "t", "z", "b"]
        node = helper.make_node("QLinearConv", names, ["y"], channels_last=1, group=layer.group, **window)
    elif layer.op == "add":
        node = helper.make_node("QLinearAdd", ["x", "s", "z", "x", "s", "z", "t", "z"], ["y"], domain=domain)
    else:
        node = helper.make_node("NhwcMaxPool", ["x"], ["y"], **window)
    used = set(node.input)
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, frame.shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [1, *layer.output])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in values.items() if name in used],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(domain, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString(), frame


def layer_table(rounds: int) -> Iterator[str]:
    yield f"Measured on {machine()}; path `{available_paths()[0]}`, one thread, median of"
    yield f"{rounds} alternating turns of {COUNTED} calls."
    yield ""
    yield "| layer | exact µs | metis µs | U8S8 µs | exact / U8S8 | metis / U8S8 | metis − exact |"
    yield "|---|---|---|---|---|---|---|"
    for layer in LAYERS:
        program = program_of(layer)
        model, frame = onnx_of(layer)
        timings = alternate(
            {
                "exact": stage_runner(load(program, "exact")),
                "U8S8": session(model, 1, frame),
                "metis": stage_runner(load(program, "metis")),
            },
            rounds,
            rest=0,
        )
        microseconds = {name: milliseconds(timings, name) * 1e3 for name in timings}
        ratios = (ratio(timings, numerics, "U8S8") for numerics in ("exact", "metis"))
        yield (
            f"| {layer.name} | {microseconds['exact']:.0f} | {microseconds['metis']:.0f} | {microseconds['U8S8']:.0f} | "
            + " | ".join(f"{value:.2f}" for value in ratios)
            + f" | {microseconds['metis'] - microseconds['exact']:.0f} |"
        )
        print(layer.name, file=sys.stderr)


STAGES = (
    "sum · scale",
    "f18 of the sum",
    "+ bias, f18",
    "− offset",
    "· 1/scale_out",
    "+ zero point",
)
"""The epilogue built up stage by stage; the last is all of `metis`. Where the last four are folded into one they cost less."""


PAIRED = SPECS[available_paths()[0]].paired
PANEL = SPECS[available_paths()[0]].panel_vectors
VARIED = tuple(
    family(numerics="metis", vectors=PANEL).name for family in ((PAIRS,) if PAIRED else (PIXELS, MATRIX))
)


class VariantLibrary:
    """A library whose convolutions of four vectors stop at a stage of the epilogue."""

    def __init__(self, base: Library, variants: Library, stage: int) -> None:
        self._base, self._variants, self._stage = base, variants, stage
        self.path, self.run, self.serve = base.path, base.run, base.serve

    def address(self, kernel: str) -> int:
        if kernel in VARIED:
            return self._variants.address(f"{kernel}_{self._stage}")
        return self._base.address(kernel)


def variant_library(path: str) -> Library:
    """Compile the epilogue up to each stage; the results are not those of `metis`, their cost is."""
    isa = _build.prepare(path)
    from axemu.emulator.compute.executor.kernel import kernels as executor  # noqa: PLC0415
    from axemu.emulator.compute.micro import Requantise, Source  # noqa: PLC0415
    from axemu.emulator.compute.micro._requantise import round_f18_fused  # noqa: PLC0415
    from axemu.emulator.compute.micro.ir import F32, vector  # noqa: PLC0415
    from axemu.emulator.compute.ops.conv.kernel_matrix import make_matrix_conv  # noqa: PLC0415
    from axemu.emulator.compute.ops.conv.kernel_pixels import make_conv, make_pair_conv  # noqa: PLC0415

    @dataclass(frozen=True)
    class UpTo(Requantise):
        stage: int = 0

        def in_each_form(self, *operands: Any) -> None:
            operands[-1](self)

        def apply(self, isa: Any, b: Any, constants: Any, n: int, total: Any) -> Any:
            bias, centre, scale = (role[n] for role in constants.roles)
            value = b.sitofp(total, vector(F32, isa.lanes))
            if self.stage >= 1:
                value = round_f18_fused(b, value)
            if self.stage >= 2:
                value = round_f18_fused(b, b.fadd(value, bias))
            if self.stage >= 3:
                value = b.fsub(value, centre)
            value = b.fmul(value, scale)
            if self.stage >= 4:
                value = b.fmul(value, constants.inverse)
            if self.stage >= 5:
                value = b.fadd(value, constants.zero)
            return isa.round_to_int(b, value)

    dense = make_pair_conv if PAIRED else make_conv
    makers = zip(VARIED, (dense, make_matrix_conv) if isa.spec.matrix else (dense,), strict=False)
    kernels = [
        Source(f"{name}_{stage}", make(isa, UpTo("metis", stage=stage), PANEL), int(Operands.CHUNK))
        for name, make in makers
        for stage in range(len(STAGES))
    ]
    return Library(path, _build.compile_kernels(path, [*kernels, *executor(isa)]))


def stage_table(rounds: int) -> Iterator[str]:
    path = available_paths()[0]
    base, variants = library(path), variant_library(path)
    yield ""
    yield "Cost of the stages of the `metis` epilogue in µs, each on top of those before it:"
    yield ""
    yield "| layer | " + " | ".join(STAGES) + " |"
    yield "|---" * (len(STAGES) + 1) + "|"
    for layer in LAYERS:
        if layer.op != "conv" or layer.group > 1:
            continue
        program = program_of(layer)
        runners = {
            str(stage): stage_runner(
                CompiledExecutable(
                    program,
                    "metis",
                    VariantLibrary(base, variants, stage),
                    1,
                    ThreadBudget(1),
                    (),  # type: ignore[arg-type]
                )
            )
            for stage in range(len(STAGES))
        }
        timings = alternate(runners, rounds, rest=0)
        totals = [milliseconds(timings, str(stage)) * 1e3 for stage in range(len(STAGES))]
        steps = [
            f"{totals[0]:.0f} in all",
            *(f"{after - before:+.1f}" for before, after in itertools.pairwise(totals)),
        ]
        yield f"| {layer.name} | " + " | ".join(steps) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    text = "\n".join([*layer_table(arguments.rounds), *stage_table(arguments.rounds)])
    print(text)
    if arguments.write:
        replace_section(PAGE, "layers", text)


if __name__ == "__main__":
    main()
