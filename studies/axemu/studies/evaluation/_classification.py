"""Classification: whether the true class is the first, or among the first five."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axemu.driver import InvalidArgument
from axemu.studies.evaluation._data import Picture
from axemu.studies.evaluation._task import Scores, Weights


@dataclass(frozen=True)
class Classification:
    """Top-1 and top-5. `transform` makes the network's input of an image, `identity` says which transform that is."""

    transform: Callable[[Image.Image], npt.NDArray[np.float32]]
    classes: int
    identity: str = ""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides a record."""
        return {"task": "classification", "classes": self.classes, "transform": self.identity}

    def prepare(self, image: Image.Image) -> tuple[npt.NDArray[np.float32], None]:
        """Return the network's input."""
        return self.transform(image), None

    def judge(self, outputs: Sequence[npt.NDArray[Any]], picture: Picture, known: None) -> int:  # noqa: ARG002
        """Return how many classes come before the true one; of equals the lower number comes first."""
        scores = np.asarray(outputs[0]).reshape(-1)
        if scores.size != self.classes:
            raise InvalidArgument(
                f"{picture.name}: the network's first output has {scores.size} values, and there are {self.classes} classes"
            )
        own = scores[picture.label]
        return int((scores > own).sum() + (scores[: picture.label] == own).sum())

    def scores(self, pictures: Sequence[Picture], records: Sequence[int]) -> Scores:  # noqa: ARG002
        """Return top-1 and top-5."""
        ranks = np.asarray(records)
        hits = {"top-1": ranks < 1, "top-5": ranks < 5}

        def weighted(weights: Weights) -> dict[str, float]:
            return {name: float(weights @ hit / weights.sum()) for name, hit in hits.items()}

        return weighted
