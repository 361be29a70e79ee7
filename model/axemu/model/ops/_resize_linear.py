"""`resize_linear`: every output pixel is a weighted sum of up to four input pixels, rows first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from axemu.model.ops._float import Float32Array, Int8Array, centred, quantise_metis, round_f18, to_int8
from axemu.model.ops._operator import Call, Operator, Shape
from axemu.model.ops._resize import index_problems, resized
from axemu.model.program._program import Node


class ResizeLinear(Operator):
    """Two rows with weight_h, then two columns with weight_w; scale and zero point may change."""

    name: ClassVar[str] = "resize_linear"
    passes_gain: ClassVar[bool] = True
    constants: ClassVar[Mapping[str, str]] = {
        "index_h": "int32",
        "weight_h": "float32",
        "index_w": "int32",
        "weight_w": "float32",
    }

    def infer_shape(self, node: Node, inputs: Sequence[Shape], declared: Shape | None = None) -> Shape:
        """Return the declared size with the input's channels."""
        return resized(node, inputs, declared)

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        output: Shape,
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return two indices and two weights per output row and column."""
        rows, columns = ((output[0], 2),), ((output[1], 2),)
        return {"index_h": rows, "weight_h": rows, "index_w": columns, "weight_w": columns}

    def check_constants(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],
        constants: Mapping[str, npt.NDArray[Any]],
    ) -> list[str]:
        """Return indices outside the input and weights outside 0..1."""
        problems = []
        for axis, suffix in enumerate("hw"):
            problems += index_problems(f"index_{suffix}", constants[f"index_{suffix}"], inputs[0][axis])
            weights = constants[f"weight_{suffix}"]
            if weights.min() < 0 or weights.max() > 1:
                problems.append(f"constant 'weight_{suffix}' leaves 0..1")
        return problems

    def exact(self, call: Call) -> Int8Array:
        """Rows, columns, times float32(s_in / s_out), rounded, plus the zero point."""
        tensor, output = call.inputs[0], call.output
        rows = _blend_rows(centred(call.values[0], tensor.zero_point), call.constants, _unrounded)
        real = _blend_columns(rows, call.constants, _unrounded)
        multiplier = np.float32(tensor.scale) / np.float32(output.scale)
        return to_int8(real * multiplier, -128, 127, output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """Rows with f18 weights, f18, columns with f18 weights, f18, times f18(s_in), quantise."""
        tensor, output = call.inputs[0], call.output
        rows = round_f18(_blend_rows(centred(call.values[0], tensor.zero_point), call.constants, round_f18))
        real = round_f18(_blend_columns(rows, call.constants, round_f18)) * round_f18(tensor.scale)
        return quantise_metis(real, output.scale, output.zero_point)


def _blend_rows(
    values: Float32Array, constants: Mapping[str, npt.NDArray[Any]], rounded: Any
) -> Float32Array:
    index, weight = constants["index_h"], rounded(constants["weight_h"])
    blended: Float32Array = (
        values[index[:, 0]] * weight[:, 0, None, None] + values[index[:, 1]] * weight[:, 1, None, None]
    )
    return blended


def _blend_columns(
    values: Float32Array, constants: Mapping[str, npt.NDArray[Any]], rounded: Any
) -> Float32Array:
    index, weight = constants["index_w"], rounded(constants["weight_w"])
    blended: Float32Array = (
        values[:, index[:, 0]] * weight[None, :, 0, None] + values[:, index[:, 1]] * weight[None, :, 1, None]
    )
    return blended


def _unrounded(weights: npt.NDArray[Any]) -> Float32Array:
    return np.asarray(weights, np.float32)
