"""From a float network to an integer program: calibration data, ranges, scales, weights, tables."""

from axelera.compiler.quantisation._datasets import images_in, random_data, samples_of, to_array
from axelera.compiler.quantisation._emit import FixedWeights, Quantisation, emit
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._observe import Observations, exposing, observe, session
from axelera.compiler.quantisation._scales import choose_scales

__all__ = [
    "FixedWeights",
    "Histogram",
    "Observations",
    "Quantisation",
    "choose_scales",
    "emit",
    "exposing",
    "images_in",
    "observe",
    "random_data",
    "samples_of",
    "session",
    "to_array",
]
