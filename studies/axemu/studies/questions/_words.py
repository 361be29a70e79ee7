"""Sentences that several answers have in common."""

from __future__ import annotations

from axemu.studies._scenario import Prediction
from axemu.studies.deployments import Evaluation
from axemu.studies.deployments import milliseconds as ms

__all__ = ["band_of", "ms", "stamp_of", "stamp_of_prediction"]


def stamp_of(evaluation: Evaluation) -> str:
    """Return what figures rest on."""
    doubt = f", band doubled for {', '.join(evaluation.unseen_rules)}" if evaluation.unseen_rules else ""
    return (
        f"simulated: model {evaluation.model_version}, calibration {evaluation.calibration_id}, host {evaluation.host}, "
        f"rests on {evaluation.provenance} figures{doubt}"
    )


def band_of(evaluation: Evaluation) -> str:
    """Return how far executions may be off."""
    return f"80 % of unseen networks execute at most {evaluation.spread:.0%} slower than predicted"


def stamp_of_prediction(prediction: Prediction) -> str:
    """Return what figures rest on."""
    doubt = f", band doubled for {', '.join(prediction.unseen_rules)}" if prediction.unseen_rules else ""
    return (
        f"simulated: model {prediction.model_version}, calibration {prediction.calibration_id}, host {prediction.host}, "
        f"rests on {prediction.provenance} figures{doubt}"
    )
