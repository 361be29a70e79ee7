"""All operators by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from axelera.model.ops._add import Add
from axelera.model.ops._affine import Affine
from axelera.model.ops._avg_pool import AvgPool
from axelera.model.ops._concat import Concat
from axelera.model.ops._constant import Constant
from axelera.model.ops._conv import Conv
from axelera.model.ops._conv_transpose import ConvTranspose
from axelera.model.ops._lut import Lut
from axelera.model.ops._matmul import MatMul
from axelera.model.ops._max_pool import MaxPool
from axelera.model.ops._mul import Mul
from axelera.model.ops._operator import Operator
from axelera.model.ops._pad import Pad
from axelera.model.ops._requantize import Requantize
from axelera.model.ops._reshape import Reshape
from axelera.model.ops._resize_linear import ResizeLinear
from axelera.model.ops._resize_nearest import ResizeNearest
from axelera.model.ops._slice import Slice
from axelera.model.ops._softmax import Softmax
from axelera.model.ops._sub import Sub
from axelera.model.ops._transpose import Transpose

_ALL: tuple[Operator, ...] = (
    Conv(),
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
