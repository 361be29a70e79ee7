"""From ONNX operators to chip operators."""

from axelera.compiler.lowering._interface import copy_shared_outputs, pad_interface
from axelera.compiler.lowering._lower import lower
from axelera.compiler.lowering._network import Activation, LoweredNetwork, LoweredOperator, Port
from axelera.compiler.lowering._requantise import insert_requantise
from axelera.compiler.lowering._rescaling import Rescaling, gains_only

__all__ = [
    "Activation",
    "LoweredNetwork",
    "LoweredOperator",
    "Port",
    "Rescaling",
    "copy_shared_outputs",
    "gains_only",
    "insert_requantise",
    "lower",
    "pad_interface",
]
