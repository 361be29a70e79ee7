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
from axemu.studies._explain import Explanation, Row, explain
from axemu.studies._heat import Heat, Work, Working, heat_of, proportional
from axemu.studies._measured import COLUMNS, Case, core_scaling, family_of, gemm, published, read_csv
from axemu.studies._predict import band, predict
from axemu.studies._program import core_program, program_to_dict
from axemu.studies._recording import Recorded, Recording, read_recording, record, run_frames, write_recording
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target, target_of
from axemu.studies._throughput import Measured, MeasureOptions, measure
from axemu.studies._zoo_build import ZooBuild, compile_zoo, publish

if TYPE_CHECKING:
    from axemu.studies._qdq import qdq_network

__all__ = [
    "COLUMNS",
    "Case",
    "Explanation",
    "Heat",
    "MeasureOptions",
    "Measured",
    "Point",
    "Prediction",
    "Recorded",
    "Recording",
    "Row",
    "Scenario",
    "Summary",
    "Target",
    "Work",
    "Working",
    "ZooBuild",
    "band",
    "calibrate",
    "compile_zoo",
    "core_program",
    "core_scaling",
    "correlate",
    "default_cases",
    "explain",
    "family_of",
    "gemm",
    "heat_of",
    "load_target",
    "load_targets",
    "measure",
    "predict",
    "program_to_dict",
    "proportional",
    "publish",
    "published",
    "qdq_network",
    "read_csv",
    "read_recording",
    "record",
    "run_frames",
    "scatter",
    "shipped_cases",
    "summaries",
    "target_of",
    "to_dict",
    "unseen_points",
    "write_recording",
]

# Graphs and their tools take long to import.
_LATE = {"qdq_network": "_qdq"}


def __getattr__(name: str) -> Any:
    """Load what `_LATE` names."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
