"""From ONNX operators to chip operators."""

from axelera.compiler.lowering._lower import lower
from axelera.compiler.lowering._network import Activation, Network, Operator, Port
from axelera.compiler.lowering._rescaling import Rescaling, gains_only

__all__ = [
    "Activation",
    "Network",
    "Operator",
    "Port",
    "Rescaling",
    "gains_only",
    "lower",
]
