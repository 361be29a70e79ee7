"""Studies: predicting, explaining, calibrating and correlating speed. All figures are simulated."""

from axelera.studies._predict import predict
from axelera.studies._scenario import Prediction, Scenario
from axelera.studies._target import Target, load_target, target_of

__all__ = ["Prediction", "Scenario", "Target", "load_target", "predict", "target_of"]
