"""From one ONNX operator to chip operators: a function per operator, found by its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx_ir as ir

from axelera.compiler.frontend import activations
from axelera.compiler.lowering._builder import Builder
from axelera.compiler.lowering.operators import (
    activation,
    arithmetic,
    attention,
    concat,
    conv,
    conv_transpose,
    gemm,
    pad,
    pool,
    reshape,
    resize,
    slices,
)

__all__ = ["LOWERINGS"]

LOWERINGS: Mapping[str, Callable[[Builder, ir.Node], None]] = {
    **dict.fromkeys(activations(), activation.lower),
    "Add": arithmetic.lower_add,
    "AveragePool": pool.lower_average,
    "Clip": activation.lower,
    "Concat": concat.lower,
    "Conv": conv.lower,
    "ConvTranspose": conv_transpose.lower,
    "Flatten": reshape.lower,
    "Gelu": activation.lower,
    "Gemm": gemm.lower,
    "GlobalAveragePool": pool.lower_global_average,
    "GlobalMaxPool": pool.lower_global_max,
    "MatMul": attention.lower_matmul,
    "MaxPool": pool.lower_max,
    "Mul": arithmetic.lower_mul,
    "PRelu": activation.lower,
    "Pad": pad.lower,
    "Reshape": reshape.lower,
    "Resize": resize.lower,
    "Slice": slices.lower_slice,
    "Softmax": attention.lower_softmax,
    "Split": slices.lower_split,
    "Squeeze": reshape.lower,
    "Sub": arithmetic.lower_sub,
    "Transpose": attention.lower_transpose,
    "Unsqueeze": reshape.lower,
}
"""Every ONNX operator that has a counterpart on the chip."""
