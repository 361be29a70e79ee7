"""Weights for products of bytes in pairs, `vpmaddubsw`: no sum of two products may leave 16 bits, whatever the activations.

A step multiplies four bytes of a pixel, two pairs, by four weights of each channel of a panel. A pair fits where its two
weights have a sum of at most 128 (255 · 128 < 2**15): all pairs whose weights differ in sign, and most others. Where that
does not hold in some channel of the panel, the second byte may be turned round: b · w = (255 - b) · -w + 255 · w, whose pair
fits where the weights' difference is at most 128. A step for which neither will do is multiplied as 16-bit integers, for
more instructions and twice the bytes. Steps without weights are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._packing import aligned, joined, lane_order

LARGEST_SUM = 128
"""Of the weights of a pair: times 255 it fits a signed 16-bit integer."""
CACHED = 1 << 19
"""Bytes of weights looked at together: what is computed of them stays in the cache."""
TURNED = np.array([0x0000FF00, -0x01000000], np.int32)
"""What turns the second byte of the first and of the second pair of a step round."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The steps of all panels, one panel after the other."""

    weights: npt.NDArray[np.int8]
    """int8 (steps, channels of a panel in the order of its lanes, 4)."""
    steps: npt.NDArray[np.int32]
    """int32 (steps, 3): offset from a pixel, and twice what the four bytes there are exclusive-ored with."""
    first_steps: npt.NDArray[np.int32]
    """Number of each panel's first step, and of all steps."""
    wide_weights: npt.NDArray[np.int16]
    """Those of the steps that do not fit, int16 (wide steps, vectors, 2, lanes, 2): even and odd bytes."""
    wide_steps: npt.NDArray[np.int32]
    """Their offsets from a pixel."""
    first_wide: npt.NDArray[np.int32]
    """Number of each panel's first wide step, and of all."""
    starts: npt.NDArray[np.int64]
    """What turning bytes round adds to the start value of each channel."""


def pack_pairs(
    weights: npt.NDArray[np.int8], offsets: npt.NDArray[np.int64], panels: int, vectors: int, lanes: int
) -> Pairs:
    """Return the steps of panels of `vectors` · `lanes` channels.

    Args:
        weights: int8 (output channels, taps, bytes per tap); bytes per tap is a multiple of 4.
        offsets: of the taps from a pixel.
        panels: number of panels; missing channels become 0.
        vectors: vectors per panel.
        lanes: channels of a vector.
    """
    channels, taps, depth = weights.shape
    width, size = vectors * lanes, taps * depth
    whole = np.zeros((panels, width, size), np.int8)
    whole.reshape(panels * width, size)[:channels] = weights.reshape(channels, size)
    places = (offsets[:, None] + np.arange(0, depth, 4)).reshape(-1).astype(np.int32)
    order = lane_order(vectors, lanes).reshape(-1)
    together = max(1, CACHED // max(1, width * size))
    parts = [_pack(whole[first : first + together], order, places) for first in range(0, panels, together)]
    narrow, steps, counts, wide, wide_steps, wide_counts, starts = (
        joined(arrays) for arrays in zip(*parts, strict=True)
    )
    by_parity = wide.view(np.int8).reshape(-1, vectors, lanes, 2, 2).transpose(0, 1, 4, 2, 3)
    return Pairs(
        narrow.view(np.int8).reshape(-1, width, 4),
        steps,
        _firsts(counts),
        aligned(by_parity.astype(np.int16)),
        wide_steps,
        _firsts(wide_counts),
        starts.reshape(-1)[:channels],
    )


def _pack(
    weights: npt.NDArray[np.int8], order: npt.NDArray[np.int64], places: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[Any], ...]:
    """Return the steps of some panels, and the sums for their starts.

    Args:
        weights: int8 (panels, channels, bytes).
        order: the channels in the order of a panel's lanes.
        places: offsets of steps from a pixel.

    Returns:
        Of steps that fit: weights as words of four, offsets and exclusive-ors, how many each panel has; of those that do
        not: weights, offsets, how many; what is added to starts, by panel and channel.
    """
    words = weights.view("<i2")
    second = words >> 8
    first = words << 8
    first >>= 8
    panels, _, pairs = words.shape
    steps = panels, pairs // 2, 2
    plain = _reach(first + second) <= LARGEST_SUM
    turned = (_reach(first - second) <= LARGEST_SUM) & (second.min(axis=1) > -LARGEST_SUM) & ~plain
    safe = (plain | turned).reshape(steps).all(axis=2)
    used = (np.bitwise_or.reduce(words, axis=1) != 0).reshape(steps).any(axis=2)
    turned &= np.repeat(safe, 2, axis=1)
    second *= turned[:, None]
    starts = 255 * second.sum(axis=2, dtype=np.int64)
    # The second byte less twice itself: it stays within a byte, and the first as it is.
    second <<= 9
    quads = (words - second).view("<i4")[:, order].transpose(0, 2, 1)
    fits, rest = used & safe, used & ~safe
    masks = (turned.reshape(steps)[fits] @ TURNED).astype(np.int32)
    everywhere = np.broadcast_to(places, used.shape)
    narrow_steps = np.stack([everywhere[fits], masks, masks], axis=1)
    return (
        quads[fits],
        narrow_steps,
        fits.sum(axis=1),
        quads[rest],
        everywhere[rest],
        rest.sum(axis=1),
        starts,
    )


def _firsts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], counts.cumsum()]).astype(np.int32)


def _reach(values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return the largest magnitude over the channels of a panel, int16 (panels, pairs)."""
    reach: npt.NDArray[np.int16] = np.maximum(values.max(axis=1), -values.min(axis=1))
    return reach
