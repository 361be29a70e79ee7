"""The last four float steps of a `metis` convolution as one fused multiply-add, used only where every case agrees.

A sum n of products goes through v(n) = f18(f18(n) + bias) and

    d(v) = fl(fl(fl(fl(v - centre) * scale) * inverse) + zero)

and d(v), rounded and saturated, is the result. Every step is monotone in n, so the result is too: for each k there is a first n from
which on it is at least k. The same holds for e(v) = fl(v * factor + addend). So both give the same results for all n if, at every
boundary k - 1/2, the last v(n) below and the first v(n) above it are the same for d and e.

Where no number of 11 bits comes within rounding errors of a boundary, that is certain. At the few others the two n are found by
bisection with d itself, and `addend` (and, should that not do, the last bits of `factor`) is chosen so that e puts both on their sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from axemu.model.ops import round_f18

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

UNIT = 2.0**-24
"""Relative error of a rounding to float32."""
LARGEST_TILT = 16
"""Units in the last place by which `factor` is moved at most."""
SMALLEST_STEP = 2.0**-24
"""Below this, sums of neighbouring results are not within 32 bits of each other."""
LARGEST_SUM = 1 << 31
BLOCK = 1024
"""Channels looked at together: what is computed of a few boundaries of each stays in the second-level cache."""
SMALL_BLOCK = 64
"""The same for all their boundaries."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What is done to a sum."""

    bias: Float32
    """(C,), 11 bits."""
    centre: Float32
    """(C,)."""
    scale: Float32
    """(C,)."""
    inverse: np.float32
    zero: int
    low: int
    """The results' bounds."""
    high: int

    def part(self, channels: npt.NDArray[np.intp]) -> Tail:
        """Return that of some channels."""
        bias, centre, scale = (role[channels] for role in (self.bias, self.centre, self.scale))
        return replace(self, bias=bias, centre=centre, scale=scale)

    def shortened(self, sums: npt.NDArray[np.int64]) -> Float32:
        """Return v of a sum of each channel."""
        return round_f18(round_f18(sums.astype(np.float32)) + self.bias)

    def apply(self, values: Float32) -> Float32:
        """Return d of a value of each channel."""
        result: Float32 = (values - self.centre) * self.scale * self.inverse
        return result + np.float32(self.zero)


def fold(tail: Tail) -> tuple[Float32, Float32, npt.NDArray[np.bool_]]:
    """Return factor and addend per channel, and of which channels every result is proved to be the same."""
    channels = np.arange(tail.centre.size)
    made = [_fold(tail.part(channels[first : first + BLOCK]), 0) for first in range(0, channels.size, BLOCK)]
    factor, addend, proved = (np.concatenate(arrays) for arrays in zip(*made, strict=True))
    rest = np.flatnonzero(~proved)
    if rest.size:
        factor[rest], addend[rest], proved[rest] = _fold(tail.part(rest), LARGEST_TILT)
    return factor, addend, proved


def _fold(tail: Tail, tilt: int) -> tuple[Float32, Float32, npt.NDArray[np.bool_]]:
    step = tail.scale.astype(np.float64) * np.float64(tail.inverse)
    start = tail.zero - tail.centre * step
    usable = (step > SMALLEST_STEP) & (np.abs(start) < 2.0**20)
    step = np.where(usable, step, 1.0)
    start = np.where(usable, start, 0.0)
    # Both sides of a boundary, at most `near` from it, may be taken for the other: by d, whose four roundings are of values up to
    # `span` (and of what `zero` is added to); by e, whose factor is rounded and moved by `tilt` units and whose addend is moved by
    # `slack`; and by the search, which computes in float32.
    span = max(abs(tail.low), abs(tail.high)) + 2.0
    reach = span + np.abs(start)
    slack = (8 + 2 * tilt) * UNIT * reach
    near = UNIT * (6 * (span + abs(tail.zero)) + (8 + 2 * tilt) * reach) + slack
    channels, boundaries = _near(tail, step, start, near)
    middle = (boundaries - start[channels]) / step[channels]
    below, above = _sides(tail.part(channels), middle, near[channels] / step[channels], boundaries)
    sides = channels, boundaries, below, above
    return _chosen(step.astype(np.float32), start, slack, usable, sides, tilt)


def _near(tail: Tail, step: Float64, start: Float64, near: Float64) -> tuple[npt.NDArray[np.intp], Float64]:
    """Return the channels and boundaries for which a value of 11 bits comes within `near` of the boundary."""
    boundaries: Float64 = np.arange(tail.low + 1, tail.high + 1, dtype=np.float64) - 0.5
    places = boundaries.astype(np.float32)
    columns = [values.astype(np.float32)[:, None] for values in (start, step, 1.01 / UNIT * near)]
    found = [
        first * boundaries.size + _about(places, *(column[first : first + SMALL_BLOCK] for column in columns))
        for first in range(0, step.size, SMALL_BLOCK)
    ]
    channels, index = np.divmod(np.concatenate(found), boundaries.size)
    exact = boundaries[index] - start[channels]
    closest = round_f18(exact / step[channels])
    close = np.abs(exact - closest * step[channels]) < near[channels]
    return channels[close], boundaries[index[close]]


def _about(boundaries: Float32, start: Float32, step: Float32, near: Float32) -> npt.NDArray[np.intp]:
    """Return all places, and some more, where a value of 11 bits comes near a boundary; `near` is in 2**-24 of a result."""
    distance = boundaries - start
    # How many units in the last place of float32 the value at the boundary is from one of 11 bits. A unit is more than 2**-24 of it.
    units = (distance / step).view(np.int32)
    units += 0x1000
    units &= 0x1FFF
    units -= 0x1000
    np.abs(units, out=units)
    np.abs(distance, out=distance)
    distance *= units.astype(np.float32)
    return np.flatnonzero(distance < near)


def _sides(tail: Tail, middle: Float64, near: Float64, boundaries: Float64) -> tuple[Float64, Float64]:
    """Return for a boundary of each channel v of the last sum whose result lies below, and of the next, whose does not.

    In real numbers the result is the boundary where v is `middle`; rounding d moves that by less than `near`.
    """
    # Each rounding to 11 bits moves a number by less than 2**-11 of it.
    reach = near + 2.0**-9 * (np.abs(middle) + np.abs(tail.bias)) + 2
    below = np.maximum(np.floor(middle - tail.bias - reach), -LARGEST_SUM).astype(np.int64)
    above = np.minimum(np.ceil(middle - tail.bias + reach), LARGEST_SUM).astype(np.int64)
    while (above - below > 1).any():
        between = (above + below) >> 1
        reaches = np.rint(tail.apply(tail.shortened(between))) > boundaries
        above = np.where(reaches, between, above)
        below = np.where(reaches, below, between)
    return tail.shortened(below).astype(np.float64), tail.shortened(above).astype(np.float64)


def _chosen(
    factor: Float32,
    start: Float64,
    slack: Float64,
    usable: npt.NDArray[np.bool_],
    sides: tuple[npt.NDArray[np.intp], Float64, Float64, Float64],
    tilt: int,
) -> tuple[Float32, Float32, npt.NDArray[np.bool_]]:
    """Return factors, moved by up to `tilt` units, and addends with which e puts both sides where d does, and where that can be.

    In real numbers: a sum less than half a unit of float32 from a boundary is rounded to it, and then to the even integer.
    """
    channels, boundaries, below, above = sides
    unit, up = (
        UNIT * np.abs(boundaries),
        np.rint(boundaries) > boundaries,
    )  # half a unit is between half of this and this
    least, most = boundaries + np.where(up, -0.49, 1.01) * unit, boundaries + np.where(up, -1.01, 0.49) * unit
    addend = start.astype(np.float32)
    proved = np.zeros(factor.size, np.bool_)
    moved = factor.copy()
    for units in sorted(range(-tilt, tilt + 1), key=abs):
        candidate = (factor.view(np.int32) + np.int32(units)).view(np.float32)
        by_boundary = candidate.astype(np.float64)[channels]
        lower, upper = start - slack, start + slack
        np.maximum.at(lower, channels, least - above * by_boundary)
        np.minimum.at(upper, channels, most - below * by_boundary)
        for wanted in (start, (lower + upper) / 2):
            nearest = np.minimum(np.maximum(wanted, lower), upper).astype(np.float32)
            fits = ~proved & usable & (nearest >= lower) & (nearest <= upper)
            moved[fits], addend[fits] = candidate[fits], nearest[fits]
            proved |= fits
        if (proved | ~usable).all():
            break
    return moved, addend, proved
