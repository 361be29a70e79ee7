"""How far two values of a tensor are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from axelera.compiler.report import decibels

Codes = npt.NDArray[np.int8]
Real = npt.NDArray[np.float32]

LARGEST_BIN = 8
"""Steps counted one by one; all that are larger share the last bin."""

ENTRY_STEPS = 4.0
"""Steps, on average, that an entry of a table may be off against real numbers."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How far values of a tensor are from those they are compared with.

    Attributes:
        sqnr_db: signal over noise in dB; None where there is no noise, or no signal.
        cosine: of the angle between both, as vectors; 1 where both are equal.
        off_by: number of values by how many steps of the tensor's scale they are apart, 0 to `LARGEST_BIN` - 1; the last key
            counts all others.
        largest: steps, at most.
        values: how many there are.
        where: frame, row, column, channel of the first value that is apart by half a step or more; None where none is.
    """

    sqnr_db: float | None
    cosine: float
    off_by: Mapping[int, int]
    largest: float
    values: int
    where: tuple[int, int, int, int] | None

    @property
    def equal(self) -> bool:
        """Whether all values are, rounded to steps."""
        return self.where is None

    @property
    def share(self) -> float:
        """Share of values that differ."""
        return 1.0 - self.off_by[0] / self.values


@dataclass(slots=True)
class Tally:
    """Adds up what a `Measure` says, frame by frame."""

    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    other: float = 0.0
    bins: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(LARGEST_BIN + 1, np.int64))
    largest: float = 0.0
    frames: int = 0
    where: tuple[int, int, int, int] | None = None
    by_channel: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 0)))
    """Of each channel: signal, noise and number of values that nothing cut off; only of real values."""

    def add(self, found: Real, expected: Real, step: float, free: npt.NDArray[np.bool_]) -> None:
        """Take in a frame: real values (H, W, C) of both, and which of those found nothing cut off."""
        self._add_channels(found, expected, free)
        one, other = found.reshape(-1).astype(np.float64), expected.reshape(-1).astype(np.float64)
        self.signal += float(other @ other)
        self.other += float(one @ one)
        self.product += float(one @ other)
        difference = one - other
        self.noise += float(difference @ difference)
        apart = np.abs(difference, out=difference)
        apart /= step
        self._count(
            np.minimum(np.rint(apart), LARGEST_BIN).astype(np.int64), float(apart.max(initial=0)), found.shape
        )

    def add_codes(self, found: Codes, expected: Codes, zero_point: int, step: float) -> None:
        """Take in a frame whose values have the same scale and zero point."""
        centred = expected.reshape(-1).astype(np.float32) - np.float32(zero_point)
        power = float(centred @ centred) * step * step
        self.signal += power
        if np.array_equal(found, expected):
            self.other += power
            self.product += power
            self.bins[0] += found.size
            self.frames += 1
            return
        apart = found.reshape(-1).astype(np.int32) - expected.reshape(-1)
        mine = centred + apart
        self.other += float(mine @ mine) * step * step
        self.product += float(mine @ centred) * step * step
        self.noise += float((apart.astype(np.int64) ** 2).sum()) * step * step
        apart = np.abs(apart)
        self._count(np.minimum(apart, LARGEST_BIN), float(apart.max()), found.shape)

    def _add_channels(self, found: Real, expected: Real, free: npt.NDArray[np.bool_]) -> None:
        one, other = np.where(free, found, 0), np.where(free, expected, 0)
        apart = one - other
        sums = [np.einsum("hwc,hwc->c", value, value, dtype=np.float64) for value in (other, apart)]
        if not self.by_channel.size:
            self.by_channel = np.zeros((3, found.shape[2]))
        self.by_channel += [*sums, free.sum(axis=(0, 1))]

    def _count(self, bins: npt.NDArray[np.integer], largest: float, shape: tuple[int, ...]) -> None:
        self.bins += np.bincount(bins, minlength=LARGEST_BIN + 1)
        self.largest = max(self.largest, largest)
        if self.where is None and bins.any():
            row, column, channel = (int(i) for i in np.unravel_index(int((bins > 0).argmax()), shape))
            self.where = (self.frames, row, column, channel)
        self.frames += 1

    def measure(self) -> Measure:
        """Return what was added up."""
        both = math.sqrt(self.signal * self.other)
        return Measure(
            sqnr_db=decibels(self.signal, self.noise),
            cosine=round(min(1.0, self.product / both), 6) if both else float(self.signal == self.other),
            off_by={steps: int(count) for steps, count in enumerate(self.bins)},
            largest=round(self.largest, 3),
            values=int(self.bins.sum()),
            where=self.where,
        )


@dataclass(slots=True)
class TableTally:
    """Adds up by how many steps the entries of a table are off, on the values that nothing cut off."""

    table: Codes
    sums: npt.NDArray[np.float64] = field(init=False)
    counts: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.sums = np.zeros(self.table.size)
        self.counts = np.zeros(self.table.size, np.int64)

    def add(
        self, given: Codes, found: Real, expected: Real, step: float, free: npt.NDArray[np.bool_]
    ) -> None:
        """Take in a frame: codes given to the table and real values (H, W, C) of both."""
        index = given.astype(np.int64) + 128
        if self.table.ndim > 1:
            index += 256 * np.arange(given.shape[2])
        off = (found - expected)[free] / step
        self.sums += np.bincount(index[free], off, self.table.size)
        self.counts += np.bincount(index[free], minlength=self.table.size)

    def odd(self) -> npt.NDArray[np.intp]:
        """Return which entries are off by more than `ENTRY_STEPS`, and by more than the table changes from one to the next."""
        table = self.table.reshape(-1, 256).astype(np.float64)
        slope = np.abs(np.diff(table, axis=1))
        # Of an entry that is wrong, both slopes are: that between its neighbours counts.
        beside = np.abs(table[:, 2:] - table[:, :-2]) / 2
        steep = np.concatenate([slope[:, :1], beside, slope[:, -1:]], axis=1).reshape(-1)
        mean = self.sums / np.maximum(self.counts, 1)
        return np.flatnonzero((self.counts > 0) & (np.abs(mean) > ENTRY_STEPS + 2 * steep))
