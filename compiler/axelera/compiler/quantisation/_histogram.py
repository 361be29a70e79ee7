"""A histogram that grows with its data and doesn't depend on the order in which the data arrives."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from axelera.compiler._errors import CalibrationError

BINS = 4096
_FINEST = -40
_COARSEST = 60
_LARGEST = 2.0**60
_POSITION_BITS = 50  # more than those of a float32, and far from where int64 ends


class Histogram:
    """Counts on a grid of bins whose width is a power of two and whose edges are multiples of it.

    When a value falls outside, the width doubles and neighbouring bins merge; since edges stay on the absolute grid,
    the result is the same for any order and any grouping of the data. Minimum and maximum are kept exactly.
    """

    def __init__(self) -> None:
        self.exponent = _FINEST
        self.first = 0
        self.counts = np.zeros(0, np.int64)
        self.minimum = math.inf
        self.maximum = -math.inf

    def add(self, values: npt.NDArray[np.float32], name: str = "") -> None:
        """Count `values` (any shape).

        Raises:
            CalibrationError: a value is not finite; `name` says whose.
        """
        flat = values.reshape(-1)
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if not max(abs(low), abs(high)) < _LARGEST:  # not "≥": NaN has to fail
            raise CalibrationError(
                f"value {name!r} goes from {low:g} to {high:g} on calibration data, which no int8 scale covers: look for a "
                "division by zero, a logarithm or an overflow before it"
            )
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self._cover()
        # Scaling by a power of two is exact, so floor finds the bin of the float32 value itself; scaling down is so only
        # where the smallest float32 numbers don't underflow.
        scale = np.float32 if self.exponent <= 0 else np.float64
        index = np.floor(flat * scale(2.0**-self.exponent)).astype(np.int64)
        index -= self.first
        self.counts += np.bincount(index, minlength=len(self.counts))

    def merged(self, other: Histogram) -> Histogram:
        """Return the histogram of both data sets together."""
        result = Histogram()
        result.minimum, result.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        result._cover()
        for part in (self, other):
            if part.counts.size:
                edges = np.arange(part.first, part.first + len(part.counts))
                positions = (edges >> max(result.exponent - part.exponent, 0)) - result.first
                np.add.at(result.counts, positions, part.counts)
        return result

    @property
    def total(self) -> int:
        """Number of values counted."""
        return int(self.counts.sum())

    @property
    def deviation(self) -> float:
        """Standard deviation of the values, to the width of a bin."""
        if not self.total:
            return 0.0
        values, weight = self.centres(), self.counts / self.total
        mean = float(np.dot(weight, values))
        return math.sqrt(float(np.dot(weight, (values - mean) ** 2)))

    def centres(self) -> npt.NDArray[np.float64]:
        """Return the middle of every bin."""
        width = 2.0**self.exponent
        middles = (self.first + np.arange(len(self.counts), dtype=np.float64) + 0.5) * width
        return np.clip(middles, self.minimum, self.maximum)

    def _cover(self) -> None:
        """Make the grid cover [minimum, maximum] with at most BINS bins."""
        largest = max(abs(self.minimum), abs(self.maximum))
        exponent = max(self.exponent, math.frexp(largest)[1] - _POSITION_BITS)
        while True:
            first = math.floor(self.minimum / 2.0**exponent)
            last = math.floor(self.maximum / 2.0**exponent)
            if last - first < BINS or exponent >= _COARSEST:
                break
            exponent += 1
        counts = np.zeros(min(last - first + 1, BINS), np.int64)
        if self.counts.size:
            edges = np.arange(self.first, self.first + len(self.counts)) >> (exponent - self.exponent)
            np.add.at(counts, edges - first, self.counts)
        self.exponent, self.first, self.counts = exponent, first, counts
