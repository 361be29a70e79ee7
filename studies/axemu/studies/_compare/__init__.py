"""Why results differ, and where first: two ways of computing a network, tensor by tensor."""

from axemu.studies._compare._compare import compare
from axemu.studies._compare._comparison import Comparison, TensorComparison
from axemu.studies._compare._measure import Measure
from axemu.studies._compare._page import decibels, percent, write_page
from axemu.studies._compare._reduce import Reduction, reduce
from axemu.studies._compare._sides import (
    OnnxSide,
    ProgramSide,
    RecordingSide,
    Side,
    onnx_side,
    program_side,
    read_side,
)

__all__ = [
    "Comparison",
    "Measure",
    "OnnxSide",
    "ProgramSide",
    "RecordingSide",
    "Reduction",
    "Side",
    "TensorComparison",
    "compare",
    "decibels",
    "onnx_side",
    "percent",
    "program_side",
    "read_side",
    "reduce",
    "write_page",
]
