"""All operators by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from axemu.model.ops._add import Add
from axemu.model.ops._affine import Affine
from axemu.model.ops._avg_pool import AvgPool
from axemu.model.ops._concat import Concat
from axemu.model.ops._constant import Constant
from axemu.model.ops._conv import Conv
from axemu.model.ops._conv_add import ConvAdd
from axemu.model.ops._conv_transpose import ConvTranspose
from axemu.model.ops._lut import Lut
from axemu.model.ops._matmul import MatMul
from axemu.model.ops._max_pool import MaxPool
from axemu.model.ops._mul import Mul
from axemu.model.ops._operator import Operator
from axemu.model.ops._pad import Pad
from axemu.model.ops._requantize import Requantize
from axemu.model.ops._reshape import Reshape
from axemu.model.ops._resize_linear import ResizeLinear
from axemu.model.ops._resize_nearest import ResizeNearest
from axemu.model.ops._slice import Slice
from axemu.model.ops._softmax import Softmax
from axemu.model.ops._sub import Sub
from axemu.model.ops._transpose import Transpose

_ALL: tuple[Operator, ...] = (
    Conv(),
    ConvAdd(),
    ConvTranspose(),
    MaxPool(),
    AvgPool(),
    Add(),
    Sub(),
    Mul(),
    Constant(),
    Affine(),
    Lut(),
    Requantize(),
    Concat(),
    Slice(),
    Pad(),
    Reshape(),
    Transpose(),
    ResizeNearest(),
    ResizeLinear(),
    MatMul(),
    Softmax(),
)

OPERATORS: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in _ALL})
"""The operator set of a program."""
