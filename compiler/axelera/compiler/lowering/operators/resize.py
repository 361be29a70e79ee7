"""Resize: tables of source positions, and of weights when interpolating."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from axelera.compiler.frontend import attribute, constant_of, optional_input
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering._cannot_lower import CannotLower

Positions = npt.NDArray[np.float64]


def lower(builder: Builder, node: ir.Node) -> None:
    """Lower Resize of height and width, nearest or linear."""
    source = builder.spatial(node.inputs[0])
    before, after = builder.shape(source), builder.output_shape(node)
    scales = constant_of(optional_input(node, 2))
    mode = attribute(node, "mode", "nearest")
    if mode not in ("nearest", "linear") or attribute(node, "antialias", 0):
        raise CannotLower(f"mode {mode!r} or its antialiasing does not exist on the chip")
    tables: dict[str, npt.NDArray[np.generic]] = {}
    for axis, letter in enumerate("hw"):
        given = float(scales.reshape(-1)[2 + axis]) if scales is not None and scales.size == 4 else None
        positions = _positions(node, before[axis], after[axis], given)
        if mode == "nearest":
            tables[f"index_{letter}"] = _nearest(node, positions, before[axis])
        else:
            tables[f"index_{letter}"], tables[f"weight_{letter}"] = _linear(positions, before[axis])
    op = "resize_nearest" if mode == "nearest" else "resize_linear"
    builder.result(node, builder.add(op, (source,), after, node, value=node.outputs[0], parameters=tables))


def _positions(node: ir.Node, before: int, after: int, scale: float | None) -> Positions:
    """Return where each output position lies in the input."""
    mode = attribute(node, "coordinate_transformation_mode", "half_pixel")
    factor = scale if scale is not None else after / before
    index = np.arange(after, dtype=np.float64)
    if mode == "asymmetric":
        return index / factor
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and after > 1):
        return (index + 0.5) / factor - 0.5
    if mode == "pytorch_half_pixel":
        return np.zeros(1)
    if mode == "align_corners":
        return index * (before - 1) / (after - 1) if after > 1 else np.zeros(1)
    raise CannotLower(f"coordinate mode {mode!r} does not exist on the chip")


def _nearest(node: ir.Node, positions: Positions, before: int) -> npt.NDArray[np.int32]:
    roundings: Mapping[str, Callable[[Positions], Positions]] = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    }
    rounding = roundings.get(mode := attribute(node, "nearest_mode", "round_prefer_floor"))
    if rounding is None:
        raise CannotLower(f"rounding {mode!r} does not exist on the chip")
    return np.clip(rounding(positions), 0, before - 1).astype(np.int32)


def _linear(positions: Positions, before: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    clipped = np.clip(positions, 0, before - 1)
    low = np.minimum(np.floor(clipped).astype(np.int64), max(before - 2, 0))
    share = clipped - low
    index = np.stack([low, np.minimum(low + 1, before - 1)], axis=1)
    weight = np.stack([1.0 - share, share], axis=1)
    if not math.isclose(float(weight.sum()), float(len(positions))):
        raise AssertionError("interpolation weights do not sum to one")
    return index.astype(np.int32), weight.astype(np.float32)
