"""Lowering, one operator per file: from a node to the kernels that compute it.

Each `lower(lowering, node)` appends stages to `lowering`. Elementwise operators also offer `link(...)`, the descriptor
with which another kernel calls them on every range of pixels it has finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from axemu.emulator.compute._lowering import Lowering
from axemu.model.program import Node

from . import (
    avg_pool,
    concat,
    constant,
    conv,
    conv_transpose,
    elementwise,
    matmul,
    max_pool,
    pad,
    reshape,
    resize_linear,
    resize_nearest,
    slice_,
    softmax,
    transpose,
    unary,
)

LOWER: Mapping[str, Callable[[Lowering, Node], None]] = MappingProxyType(
    {
        "add": elementwise.lower,
        "affine": unary.lower,
        "avg_pool": avg_pool.lower,
        "concat": concat.lower,
        "constant": constant.lower,
        "conv": conv.lower,
        "conv_transpose": conv_transpose.lower,
        "lut": unary.lower,
        "matmul": matmul.lower,
        "max_pool": max_pool.lower,
        "mul": elementwise.lower,
        "pad": pad.lower,
        "requantize": unary.lower,
        "reshape": reshape.lower,
        "resize_linear": resize_linear.lower,
        "resize_nearest": resize_nearest.lower,
        "slice": slice_.lower,
        "softmax": softmax.lower,
        "sub": elementwise.lower,
        "transpose": transpose.lower,
    }
)
"""How each operator of the specification is lowered."""
