"""How accurate a compiled network is on one's own data: float against int8, with the interval that so few images leave.

`docs/how-to/evaluate-accuracy.md` shows it; `axemu eval` is the command.
"""

from axemu.studies.evaluation._average_precision import (
    THRESHOLDS,
    Matches,
    average_precision,
    match,
)
from axemu.studies.evaluation._classification import Classification
from axemu.studies.evaluation._data import Boxes, Picture, coco_pictures, labelled_pictures, pictures_in
from axemu.studies.evaluation._detection import Detection
from axemu.studies.evaluation._evaluate import Evaluation, evaluate
from axemu.studies.evaluation._figures import Figure, Interval, figures
from axemu.studies.evaluation._overlap import Calibration, calibration_of, overlapping
from axemu.studies.evaluation._sides import FloatSide, Int8Side, Side
from axemu.studies.evaluation._task import Task
from axemu.studies.evaluation._user_metric import UserMetric

__all__ = [
    "THRESHOLDS",
    "Boxes",
    "Calibration",
    "Classification",
    "Detection",
    "Evaluation",
    "Figure",
    "FloatSide",
    "Int8Side",
    "Interval",
    "Matches",
    "Picture",
    "Side",
    "Task",
    "UserMetric",
    "average_precision",
    "calibration_of",
    "coco_pictures",
    "evaluate",
    "figures",
    "labelled_pictures",
    "match",
    "overlapping",
    "pictures_in",
]
