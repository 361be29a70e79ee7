"""From a float network to an integer program: ranges, scales, weights, tables."""

from axelera.compiler.quantisation._emit import FixedWeights, Quantisation, emit

__all__ = ["FixedWeights", "Quantisation", "emit"]
