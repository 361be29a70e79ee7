"""From ONNX operators to chip operators."""

from axelera.compiler.lowering._lower import lower
from axelera.compiler.lowering._network import TYING, Activation, Network, Operator, Port

__all__ = ["TYING", "Activation", "Network", "Operator", "Port", "lower"]
