"""Studies: predicting, explaining, calibrating and correlating speed. All figures are simulated."""

from axemu.studies._calibrate import calibrate, load_targets, shipped_cases
from axemu.studies._correlate import Point, Summary, correlate, default_cases, scatter, summaries, to_dict
from axemu.studies._explain import Explanation, Row, explain
from axemu.studies._measured import COLUMNS, Case, core_scaling, family_of, gemm, published, read_csv
from axemu.studies._predict import predict
from axemu.studies._program import core_program, program_to_dict
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target, target_of

__all__ = [
    "COLUMNS",
    "Case",
    "Explanation",
    "Point",
    "Prediction",
    "Row",
    "Scenario",
    "Summary",
    "Target",
    "calibrate",
    "core_program",
    "core_scaling",
    "correlate",
    "default_cases",
    "explain",
    "family_of",
    "gemm",
    "load_target",
    "load_targets",
    "predict",
    "program_to_dict",
    "published",
    "read_csv",
    "scatter",
    "shipped_cases",
    "summaries",
    "target_of",
    "to_dict",
]
