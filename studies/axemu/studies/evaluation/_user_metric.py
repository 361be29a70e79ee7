"""A metric of the user's: one number, or some by name, per picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axemu.driver import AxeleraError, InvalidArgument
from axemu.studies.evaluation._data import Picture
from axemu.studies.evaluation._task import Scores, Weights

Metric = Callable[[list[npt.NDArray[Any]], Path], Any]
"""From the network's outputs of one frame and the image's path to a number, or to a mapping of names to numbers."""


@dataclass(frozen=True)
class UserMetric:
    """The mean of what `metric` says of each picture; `identity` tells metric and transform apart from others."""

    transform: Callable[[Image.Image], npt.NDArray[np.float32]]
    metric: Metric
    identity: str = ""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides a record."""
        return {"task": "user", "metric": self.identity}

    def prepare(self, image: Image.Image) -> tuple[npt.NDArray[np.float32], None]:
        """Return the network's input."""
        return self.transform(image), None

    def judge(self, outputs: Sequence[npt.NDArray[Any]], picture: Picture, known: None) -> dict[str, float]:  # noqa: ARG002
        """Return what the metric says.

        Raises:
            InvalidArgument: it raised, or returned something else than numbers.
        """
        name = getattr(self.metric, "__name__", "metric")
        try:
            found = self.metric(list(outputs), picture.path)
        except AxeleraError:
            raise
        except Exception as error:
            raise InvalidArgument(
                f"{picture.name}: metric {name!r} raised {type(error).__name__}: {error}"
            ) from error
        values = dict(found) if isinstance(found, Mapping) else {name: found}
        try:
            numbers = {str(key): float(value) for key, value in values.items()}
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                f"{picture.name}: metric {name!r} returned {found!r:.80}; expected a number, or numbers by name"
            ) from error
        if strange := [key for key, value in numbers.items() if not math.isfinite(value)]:
            raise InvalidArgument(
                f"{picture.name}: metric {name!r} says {numbers[strange[0]]} for {strange[0]!r}"
            )
        return numbers

    def scores(self, pictures: Sequence[Picture], records: Sequence[Mapping[str, float]]) -> Scores:
        """Return the means.

        Raises:
            InvalidArgument: the metric named other things for other pictures.
        """
        names = list(records[0]) if records else []
        for picture, record in zip(pictures, records, strict=True):
            if set(record) != set(names):
                raise InvalidArgument(
                    f"{picture.name}: the metric names {sorted(record)}, before it named {sorted(names)}"
                )
        values = {name: np.array([record[name] for record in records]) for name in names}

        def weighted(weights: Weights) -> dict[str, float]:
            return {name: float(weights @ value / weights.sum()) for name, value in values.items()}

        return weighted
