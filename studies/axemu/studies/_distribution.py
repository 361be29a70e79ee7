"""How times of single frames are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Smallest, mean and largest value, percentiles by their number, and jitter: the standard deviation."""

    minimum: float
    mean: float
    maximum: float
    jitter: float
    percentiles: dict[float, float]


def distribution(values: Sequence[float]) -> Distribution | None:
    """Return how values are distributed; None of nothing.

    A percentile is a value that occurs: the smallest that at least so many percent do not exceed.
    """
    if not values:
        return None
    array = np.asarray(values, np.float64)
    found = np.percentile(array, PERCENTILES, method="inverted_cdf")
    return Distribution(
        float(array.min()),
        float(array.mean()),
        float(array.max()),
        float(array.std()),
        {percent: float(value) for percent, value in zip(PERCENTILES, found, strict=True)},
    )
