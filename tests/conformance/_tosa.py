"""Tests of TOSA's conformance generator, where its integer arithmetic is the chip's.

TOSA leaves 32-bit sums where the chip rounds to int8, and scales them by integers where the chip does by floats. So sums are
compared rounded by a power of two, which every arithmetic does alike: the sum itself, to the last bit that fits. Biases, which are
integers there and real numbers here, are taken off. Inputs and weights have no zero points.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.conformance._numerics import Array, evaluate, single

from axemu.emulator.compute import available_paths, load
from axemu.model.ops import conv_constants
from axemu.model.program import Program, Tensor

VECTORS = Path(__file__).with_name("tosa.npz")
TOOLS = "2026.8.0"
"""Version of tosa-tools that made them; see `tools/tosa_vectors.py`."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One test: an operator, its attributes, inputs, and what the reference model gives."""

    name: str
    op: str
    attributes: Mapping[str, Any]
    inputs: tuple[Array, ...]
    output: Array


def vectors() -> Iterator[Vector]:
    """Yield all tests."""
    with zipfile.ZipFile(VECTORS) as archive:
        index = json.loads(archive.read("index.json"))
    with np.load(VECTORS, allow_pickle=False) as stored:
        for number, entry in enumerate(index):
            inputs = tuple(stored[f"{number}.{place}"] for place in range(entry["inputs"]))
            yield Vector(entry["name"], entry["op"], entry["attributes"], inputs, stored[f"{number}.out"])


@dataclass(frozen=True, slots=True)
class Case:
    """A test as programs of ours, one per frame: program, inputs, and the exact output."""

    program: Program
    frames: tuple[tuple[tuple[Array, ...], Array], ...]


def case_of(vector: Vector) -> Case | str:
    """Return a test as a program of ours, or the reason why it cannot be one."""
    return _CASES[vector.op](vector)


def _rounding(sums: Array) -> tuple[float, Array]:
    """Return a power of two by which sums are at most 127, and the sums so rounded."""
    largest = int(np.abs(sums).max(initial=1))
    scale = 2.0 ** max(0, int(np.ceil(np.log2(largest / 127))))
    if largest >= 1 << 24:
        raise ValueError("sums of over 24 bits")
    return scale, np.clip(np.rint(sums / scale), -128, 127).astype(np.int8)


def _pads(top: int, bottom: int, left: int, right: int) -> tuple[int, ...]:
    return (top, left, bottom, right)


def _conv(vector: Vector) -> Case | str:
    values, weight, bias, *zero_points = vector.inputs
    if any(zero.any() for zero in zero_points):
        return "weights with zero points"
    group = 1
    if vector.op == "DEPTHWISE_CONV2D":
        kh, kw, channels, times = weight.shape
        weight = weight.transpose(2, 3, 0, 1).reshape(channels * times, kh, kw, 1)
        group = channels
    attributes: dict[str, Any] = {
        "kernel": weight.shape[1:3],
        "strides": tuple(vector.attributes["stride"]),
        "group": group,
    }
    if vector.op == "TRANSPOSE_CONV2D":
        top, bottom, left, right = vector.attributes["out_pad"]
        beyond = (max(0, bottom), max(0, right))
        if (
            max(top, left) > 0
            or beyond[0] >= attributes["strides"][0]
            or beyond[1] >= attributes["strides"][1]
        ):
            return "rows outside that only the bias fills"
        attributes["pads"] = _pads(*(max(0, -pad) for pad in (top, bottom, left, right)))
        attributes["output_padding"] = beyond
    else:
        attributes["pads"] = _pads(*vector.attributes["pad"])
        attributes["dilations"] = tuple(vector.attributes["dilation"])
    sums = vector.output.astype(np.int64) - bias.astype(np.int64)
    scale, expected = _rounding(sums)
    constants = conv_constants(np.ascontiguousarray(weight), np.ones(len(weight)), None, 1.0, 0, scale)
    op = "conv_transpose" if vector.op == "TRANSPOSE_CONV2D" else "conv"
    x, y = Tensor("x", values.shape[1:]), Tensor("y", expected.shape[1:], scale)
    program = single(op, [x], y, attributes, constants)
    return Case(program, tuple(((frame,), result) for frame, result in zip(values, expected, strict=True)))


def _max_pool(vector: Vector) -> Case:
    (values,) = vector.inputs
    attributes = {
        "kernel": tuple(vector.attributes["kernel"]),
        "strides": tuple(vector.attributes["stride"]),
        "pads": _pads(*vector.attributes["pad"]),
    }
    program = single(
        "max_pool", [Tensor("x", values.shape[1:])], Tensor("y", vector.output.shape[1:]), attributes
    )
    return Case(
        program, tuple(((frame,), result) for frame, result in zip(values, vector.output, strict=True))
    )


def _table(vector: Vector) -> Case:
    values, table = vector.inputs
    flat, result = values.reshape(1, 1, -1), vector.output.reshape(1, 1, -1)
    program = single(
        "lut", [Tensor("x", flat.shape)], Tensor("y", flat.shape), {"function": "neg"}, {"table": table}
    )
    return Case(program, (((flat,), result),))


def _matmul(vector: Vector) -> Case | str:
    left, right, *zero_points = vector.inputs
    if any(zero.any() for zero in zero_points):
        return "weights with zero points"
    scale, expected = _rounding(vector.output.astype(np.int64))
    tensors = [Tensor("a", (1, *left.shape[1:])), Tensor("b", (1, *right.shape[1:]))]
    program = single("matmul", tensors, Tensor("y", (1, *expected.shape[1:]), scale))
    frames = zip(left, right, expected, strict=True)
    return Case(program, tuple(((a[None], b[None]), result[None]) for a, b, result in frames))


_CASES: Mapping[str, Callable[[Vector], Case | str]] = {
    "CONV2D": _conv,
    "DEPTHWISE_CONV2D": _conv,
    "TRANSPOSE_CONV2D": _conv,
    "MAX_POOL2D": _max_pool,
    "TABLE": _table,
    "MATMUL": _matmul,
}


def differences(case: Case) -> Iterator[str]:
    """Yield where the specification or a compute path differs from the exact output."""
    for inputs, expected in case.frames:
        if not np.array_equal(evaluate(case.program, list(inputs), "exact"), expected):
            yield "specification"
        for path in available_paths():
            found = np.full(expected.size, 99, np.int8)
            runner = load(case.program, "exact", path).instance()
            runner.run([np.ascontiguousarray(value).reshape(-1) for value in inputs], [found])
            if not np.array_equal(found, expected.reshape(-1)):
                yield path
