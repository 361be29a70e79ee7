"""Times and counts that vary, as tables of quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument

Shape = Literal["constant", "uniform", "exponential", "normal", "poisson", "recorded"]
QUANTILES = 4096
"""A distribution is drawn from the middles of so many equal parts."""
MOST_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class Distribution:
    """A time in ms, or a number of things.

    Args:
        shape: `constant` (always `mean`), `uniform` (`mean` ± `spread`), `exponential`, `normal` (`spread` is the standard
            deviation; cut at 0), `poisson` (for numbers), `recorded` (one of `values`, each as likely).
        mean: the mean.
        spread: see `shape`.
        values: what was recorded.
    """

    shape: Shape = "constant"
    mean: float = 0.0
    spread: float = 0.0
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no distribution of times or numbers."""
        if not all(math.isfinite(one) and one >= 0 for one in (self.mean, self.spread, *self.values)):
            raise InvalidArgument(f"distribution {self.shape}: a negative or infinite value")
        if (self.shape == "recorded") != bool(self.values):
            raise InvalidArgument("distribution: `values` belong to the shape `recorded`, and it needs some")
        if len(self.values) > MOST_VALUES:
            raise InvalidArgument(f"distribution: {len(self.values)} values, expected at most {MOST_VALUES}")
        if self.shape == "uniform" and self.spread > self.mean:
            raise InvalidArgument(f"distribution uniform: spread {self.spread} exceeds the mean {self.mean}")
        if self.shape == "poisson" and self.mean > 1000:
            raise InvalidArgument(f"distribution poisson: mean {self.mean}, expected at most 1000")

    @property
    def average(self) -> float:
        """The mean of what is drawn."""
        return float(self.table().mean())

    def table(self) -> npt.NDArray[np.float64]:  # noqa: PLR0911  one for each shape
        """Return `QUANTILES` values in rising order, each as likely."""
        middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
        if self.shape == "uniform":
            return self.mean + self.spread * (2 * middles - 1)
        if self.shape == "exponential":
            return -self.mean * np.log1p(-middles)
        if self.shape == "normal":
            from statistics import NormalDist  # noqa: PLC0415  only who asks for it

            if not self.spread:
                return np.full(QUANTILES, self.mean)
            inverse = NormalDist(self.mean, self.spread).inv_cdf
            return np.array([max(0.0, inverse(one)) for one in middles])
        if self.shape == "poisson":
            return _poisson(self.mean, middles)
        if self.shape == "recorded":
            ordered = np.sort(np.array(self.values))
            return ordered[(middles * len(ordered)).astype(np.int64)]
        return np.full(QUANTILES, self.mean)


def _poisson(mean: float, middles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    numbers = np.arange(int(mean + 12 * math.sqrt(mean) + 12))
    logs = numbers * math.log(mean) if mean else np.where(numbers == 0, 0.0, -np.inf)
    chances = np.exp(logs - mean - np.array([math.lgamma(one + 1) for one in numbers]))
    return np.searchsorted(np.cumsum(chances), middles).astype(np.float64)
