"""The operator set of a program and its numerics: the specification, in plain NumPy.

`docs/numerics.md` says the same in words and formulas.
"""

from axemu.model.ops._constants import (
    conv_constants,
    lut_table,
    quantise_weights,
    softmax_constants,
    weight_scales,
)
from axemu.model.ops._execute import execute, execute_node, execute_taps, unary_table
from axemu.model.ops._float import reciprocal, round_f18
from axemu.model.ops._functions import FUNCTIONS, PointwiseFunction
from axemu.model.ops._operator import NUMERICS, Numerics, Operator
from axemu.model.ops._registry import OPERATORS
from axemu.model.ops._version import NUMERICS_VERSION

__all__ = [
    "FUNCTIONS",
    "NUMERICS",
    "NUMERICS_VERSION",
    "OPERATORS",
    "Numerics",
    "Operator",
    "PointwiseFunction",
    "conv_constants",
    "execute",
    "execute_node",
    "execute_taps",
    "lut_table",
    "quantise_weights",
    "reciprocal",
    "round_f18",
    "softmax_constants",
    "unary_table",
    "weight_scales",
]
