"""Studies: predicting, measuring, explaining, calibrating and correlating speed; builds of the zoo's networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axemu.studies._calibrate import calibrate, load_targets, shipped_cases
from axemu.studies._correlate import (
    Point,
    Summary,
    correlate,
    default_cases,
    scatter,
    summaries,
    to_dict,
    unseen_points,
)
from axemu.studies._distribution import Distribution, distribution
from axemu.studies._explain import Explanation, Row, explain, layer_rows
from axemu.studies._heat import Heat, Work, Working, heat_of, proportional
from axemu.studies._measured import COLUMNS, Case, core_scaling, family_of, gemm, published, read_csv
from axemu.studies._predict import band, predict
from axemu.studies._program import core_program, program_to_dict
from axemu.studies._recording import Recorded, Recording, read_recording, record, run_frames, write_recording
from axemu.studies._release import calibrate_release
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target, target_of
from axemu.studies._throughput import Measured, MeasureOptions, measure
from axemu.studies._zoo_build import ZooBuild, compile_zoo, publish

if TYPE_CHECKING:
    from axemu.studies._compare import (
        Comparison,
        Measure,
        OnnxSide,
        ProgramSide,
        RecordingSide,
        Reduction,
        Side,
        TensorComparison,
        compare,
        decibels,
        onnx_side,
        percent,
        program_side,
        read_side,
        reduce,
        write_page,
    )
    from axemu.studies._pages import write_explanation, write_report
    from axemu.studies._qdq import qdq_network

__all__ = [
    "COLUMNS",
    "Case",
    "Comparison",
    "Distribution",
    "Explanation",
    "Heat",
    "Measure",
    "MeasureOptions",
    "Measured",
    "OnnxSide",
    "Point",
    "Prediction",
    "ProgramSide",
    "Recorded",
    "Recording",
    "RecordingSide",
    "Reduction",
    "Row",
    "Scenario",
    "Side",
    "Summary",
    "Target",
    "TensorComparison",
    "Work",
    "Working",
    "ZooBuild",
    "band",
    "calibrate",
    "calibrate_release",
    "compare",
    "compile_zoo",
    "core_program",
    "core_scaling",
    "correlate",
    "decibels",
    "default_cases",
    "distribution",
    "explain",
    "family_of",
    "gemm",
    "heat_of",
    "layer_rows",
    "load_target",
    "load_targets",
    "measure",
    "onnx_side",
    "percent",
    "predict",
    "program_side",
    "program_to_dict",
    "proportional",
    "publish",
    "published",
    "qdq_network",
    "read_csv",
    "read_recording",
    "read_side",
    "record",
    "reduce",
    "run_frames",
    "scatter",
    "shipped_cases",
    "summaries",
    "target_of",
    "to_dict",
    "unseen_points",
    "write_explanation",
    "write_page",
    "write_recording",
    "write_report",
]

# Graphs and their tools take long to import.
_LATE = {
    "qdq_network": "_qdq",
    "Comparison": "_compare",
    "Measure": "_compare",
    "OnnxSide": "_compare",
    "ProgramSide": "_compare",
    "RecordingSide": "_compare",
    "Reduction": "_compare",
    "Side": "_compare",
    "TensorComparison": "_compare",
    "compare": "_compare",
    "decibels": "_compare",
    "onnx_side": "_compare",
    "percent": "_compare",
    "program_side": "_compare",
    "read_side": "_compare",
    "reduce": "_compare",
    "write_explanation": "_pages",
    "write_page": "_compare",
    "write_report": "_pages",
}


def __getattr__(name: str) -> Any:
    """Load what `_LATE` names."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
