"""From ONNX operators to chip operators."""

from axelera.compiler.lowering._interface import copy_shared_outputs, pad_interface
from axelera.compiler.lowering._lower import lower
from axelera.compiler.lowering._network import Activation, Network, Operator, Port
from axelera.compiler.lowering._requantise import insert_requantize
from axelera.compiler.lowering._rescaling import Rescaling, gains_only

__all__ = [
    "Activation",
    "Network",
    "Operator",
    "Port",
    "Rescaling",
    "copy_shared_outputs",
    "gains_only",
    "insert_requantize",
    "lower",
    "pad_interface",
]
