"""Weights for products of bytes in pairs, `vpmaddubsw`: no sum of two products may leave 16 bits, whatever the activations.

A step multiplies four bytes of a pixel, two pairs, by four weights of each channel of a panel. A pair fits where its two
weights have a sum of at most 128 (255 · 128 < 2**15): all pairs whose weights differ in sign, and most others. Where that
does not hold in some channel of the panel, the second byte may be turned round: b · w = (255 - b) · -w + 255 · w, whose pair
fits where the weights' difference is at most 128. A step for which neither will do is multiplied as 16-bit integers, for
more instructions and twice the bytes. Steps without weights are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._packing import aligned, lane_order

LARGEST_SUM = 128
"""Of the weights of a pair: times 255 it fits a signed 16-bit integer."""
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
    width, count = vectors * lanes, taps * depth // 4
    whole = np.zeros((panels * width, taps * depth), np.int8)
    whole[:channels] = weights.reshape(channels, -1)
    words = whole.view("<i2").reshape(panels, width, 2 * count)
    second = words >> 8
    first = (words << 8) >> 8
    plain = _reach(first + second) <= LARGEST_SUM
    turned = (_reach(first - second) <= LARGEST_SUM) & (second.min(axis=1) > -LARGEST_SUM) & ~plain
    safe = (plain | turned).reshape(panels, count, 2).all(axis=2)
    turned &= np.repeat(safe, 2, axis=1)
    starts = 255 * (second * turned[:, None]).sum(axis=2, dtype=np.int64).reshape(-1)
    used = words.any(axis=1).reshape(panels, count, 2).any(axis=2)
    order = lane_order(vectors, lanes).reshape(-1)
    quads = whole.reshape(panels, width, count, 4)[:, order].transpose(0, 2, 1, 3)
    turns = turned.reshape(panels, count, 2)[used & safe]
    narrow = quads[used & safe]
    np.negative(narrow[:, :, 1::2], out=narrow[:, :, 1::2], where=turns[:, None])
    wide = quads[used & ~safe].reshape(-1, vectors, lanes, 2, 2).transpose(0, 1, 4, 2, 3)
    places = (offsets[:, None] + np.arange(0, depth, 4)).reshape(-1).astype(np.int32)
    everywhere = np.broadcast_to(places, used.shape)
    masks = (turns @ TURNED).astype(np.int32)
    return Pairs(
        aligned(narrow),
        aligned(np.stack([everywhere[used & safe], masks, masks], axis=1)),
        _firsts(used & safe),
        aligned(wide.astype(np.int16)),
        aligned(everywhere[used & ~safe]),
        _firsts(used & ~safe),
        starts[:channels],
    )


def _firsts(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], chosen.sum(axis=1).cumsum()]).astype(np.int32)


def _reach(values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return the largest magnitude over the channels of a panel, int16 (panels, pairs)."""
    reach: npt.NDArray[np.int16] = np.maximum(values.max(axis=1), -values.min(axis=1))
    return reach
