"""Metrics with the interval that a sample of pictures leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from axemu.studies.evaluation._task import Scores

RESAMPLES = 500
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and between what it lies; both ends are NaN where one picture tells nothing of that."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of the float network, of the integers, and what the integers lose or gain."""

    name: str
    float_: Interval | None
    int8: Interval
    difference: Interval | None


def figures(
    int8: Scores,
    float_: Scores | None,
    pictures: int,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> list[Figure]:
    """Return the metrics with percentile bootstrap intervals.

    Pictures are drawn again with replacement, the same ones for both sides, so that the difference has an interval of its
    own: pictures that are hard for both do not widen it.

    Args:
        int8: metrics of the integers.
        float_: metrics of the float network, or None.
        pictures: how many there are.
        resamples: how often they are drawn.
        confidence: probability that the interval is to cover.
        seed: of the draws.
    """
    once = np.ones(pictures)
    rng = np.random.default_rng(seed)
    drawn = [
        rng.multinomial(pictures, once / pictures).astype(np.float64)
        for _ in range(resamples if pictures > 1 else 0)
    ]
    quantised, of_draws = int8(once), [int8(weights) for weights in drawn]
    real = None if float_ is None else float_(once)
    of_real = [] if float_ is None else [float_(weights) for weights in drawn]

    def interval(value: float, values: list[float]) -> Interval:
        known = [one for one in values if not np.isnan(one)]
        if not known:
            return Interval(value, np.nan, np.nan)
        tail = (1 - confidence) / 2
        low, high = np.quantile(known, (tail, 1 - tail))
        return Interval(value, float(low), float(high))

    return [
        Figure(
            name,
            None if real is None else interval(real[name], _column(of_real, name)),
            interval(value, _column(of_draws, name)),
            None
            if real is None
            else interval(
                value - real[name],
                [a - b for a, b in zip(_column(of_draws, name), _column(of_real, name), strict=True)],
            ),
        )
        for name, value in quantised.items()
    ]


def _column(rows: list[Mapping[str, float]], name: str) -> list[float]:
    return [row[name] for row in rows]
