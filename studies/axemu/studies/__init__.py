"""Studies: predicting, measuring, explaining, calibrating and correlating speed; builds of the zoo's networks."""

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
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target, target_of
from axemu.studies._throughput import Measured, MeasureOptions, measure
from axemu.studies._zoo_build import ZooBuild, compile_zoo, publish

__all__ = [
    "COLUMNS",
    "Case",
    "Explanation",
    "Heat",
    "MeasureOptions",
    "Measured",
    "Point",
    "Prediction",
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
    "read_csv",
    "scatter",
    "shipped_cases",
    "summaries",
    "target_of",
    "to_dict",
    "unseen_points",
]
