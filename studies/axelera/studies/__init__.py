"""Studies: predicting, explaining, calibrating and correlating speed. All figures are simulated."""

from axelera.studies._calibrate import calibrate, load_targets, shipped_cases
from axelera.studies._correlate import Point, Summary, correlate, default_cases, scatter, summaries, to_dict
from axelera.studies._explain import Explanation, Row, explain
from axelera.studies._measured import COLUMNS, Case, core_scaling, family_of, gemm, published, read_csv
from axelera.studies._predict import predict
from axelera.studies._scenario import Prediction, Scenario
from axelera.studies._target import Target, load_target, target_of

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
    "core_scaling",
    "correlate",
    "default_cases",
    "explain",
    "family_of",
    "gemm",
    "load_target",
    "load_targets",
    "predict",
    "published",
    "read_csv",
    "scatter",
    "shipped_cases",
    "summaries",
    "target_of",
    "to_dict",
]
