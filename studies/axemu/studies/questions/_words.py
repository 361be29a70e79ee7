"""Sentences that several answers have in common."""

from __future__ import annotations

from axemu.studies._scenario import Prediction
from axemu.studies.deployments import Evaluation
from axemu.studies.deployments import milliseconds as ms

__all__ = ["band_of", "ms", "stamp_of"]


def stamp_of(found: Evaluation | Prediction) -> str:
    """Return what figures rest on."""
    doubt = f", band doubled for {', '.join(found.unseen_rules)}" if found.unseen_rules else ""
    return (
        f"simulated: model {found.model_version}, calibration {found.calibration_id}, host {found.host}, "
        f"rests on {found.provenance} figures{doubt}"
    )


def band_of(evaluation: Evaluation) -> str:
    """Return how far executions may be off."""
    return f"80 % of unseen networks execute at most {evaluation.spread:.0%} slower than predicted"
