"""What a network is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from axemu.studies.evaluation._data import Picture

Weights = npt.NDArray[np.float64]
"""How often each picture counts, (pictures,)."""
Scores = Callable[[Weights], Mapping[str, float]]
"""From weights to the value of each metric."""


class Task(Protocol):
    """A kind of judgement: from an image to an input, from outputs to a record, from all records to metrics."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides a record, as JSON: a journal with other settings is not continued."""

    def prepare(self, image: Image.Image) -> tuple[npt.NDArray[np.float32], Any]:
        """Return the network's input, (1, C, H, W) or as the network wants it, and what `judge` needs to know of it."""

    def judge(self, outputs: Sequence[npt.NDArray[Any]], picture: Picture, known: Any) -> Any:
        """Return what is kept of a network's outputs, as JSON."""

    def scores(self, pictures: Sequence[Picture], records: Sequence[Any]) -> Scores:
        """Return the metrics of all records as a function of how often each picture counts."""
