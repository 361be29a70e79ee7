"""Detection: mean average precision of YOLO networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axemu.host import Letterbox, chw, decode, letterbox, suppress
from axemu.studies.evaluation._average_precision import MOST, Matches, average_precision, match
from axemu.studies.evaluation._data import Boxes, Picture
from axemu.studies.evaluation._task import Scores, Weights

NOTHING = Boxes(np.empty((0, 4)), np.empty(0, np.int64))


@dataclass(frozen=True)
class Detection:
    """Mean average precision, as COCO has it.

    Attributes:
        classes: how many the network knows.
        size: height and width of its input, which images are fitted into with a grey border.
        family: of `axemu.host.FAMILIES`; needed where the outputs' shapes leave it open.
        divide: what pixels of 0 to 255 are divided by.
        blue_first: the network takes BGR.
        least: lowest score that counts.
        most_overlap: above it two boxes of a class are one; networks that end without doubles are not asked.
    """

    classes: int
    size: tuple[int, int]
    family: str | None = None
    divide: float = 255.0
    blue_first: bool = False
    least: float = 0.001
    most_overlap: float = 0.7

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides a record."""
        return {"task": "detection", **asdict(self), "size": list(self.size)}

    def prepare(self, image: Image.Image) -> tuple[npt.NDArray[np.float32], Letterbox]:
        """Return the network's input, and where the image is in it."""
        fitted = letterbox(image, self.size[1], self.size[0])
        pixels = fitted.pixels[:, :, ::-1] if self.blue_first else fitted.pixels
        return chw(pixels) / np.float32(self.divide), fitted

    def judge(
        self,
        outputs: Sequence[npt.NDArray[Any]],
        picture: Picture,  # noqa: ARG002  other tasks look at it
        known: Letterbox,
    ) -> dict[str, Any]:
        """Return the best boxes in pixels of the image."""
        found = decode(outputs, self.classes, family=self.family, size=self.size, least=self.least)
        if not _without_doubles(outputs, self.classes):
            found = suppress(found, self.most_overlap, most=MOST)
        found = known.back(found[:MOST])
        return {
            "boxes": found.boxes.round(3).tolist(),
            "scores": found.scores.tolist(),
            "classes": found.classes.tolist(),
        }

    def scores(self, pictures: Sequence[Picture], records: Sequence[Mapping[str, Any]]) -> Scores:
        """Return mAP over ten overlaps, at 0.5 and at 0.75."""
        precision = average_precision(
            [_matches(one, record) for one, record in zip(pictures, records, strict=True)]
        )

        def weighted(weights: Weights) -> dict[str, float]:
            found = precision(weights)
            return {"mAP 50-95": float(found.mean()), "mAP 50": float(found[0]), "mAP 75": float(found[5])}

        return weighted


def _without_doubles(outputs: Sequence[npt.NDArray[Any]], classes: int) -> bool:
    return len(outputs) == 1 and outputs[0].ndim == 3 and outputs[0].shape[2] == 6 and classes > 2


def _matches(picture: Picture, record: Mapping[str, Any]) -> dict[int, Matches]:
    truth = picture.boxes or NOTHING
    corners = np.array(record["boxes"], np.float64).reshape(-1, 4)
    scores, classes = np.array(record["scores"], np.float64), np.array(record["classes"], np.int64)
    present = sorted({*classes.tolist(), *truth.classes.tolist()})
    return {
        label: match(corners[classes == label], scores[classes == label], truth, label) for label in present
    }
