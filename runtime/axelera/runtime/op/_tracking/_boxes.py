"""Overlaps of upright boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def table(boxes: list[Floats]) -> Floats:
    """Return boxes as rows, also if there is none."""
    return np.array(boxes, np.float64).reshape(-1, 4)


def overlaps(some: Floats, others: Floats) -> Floats:
    """Return the intersection over union of every pair, (len(some), len(others))."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (some, others)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / np.where(union > 0, union, 1.0))


def heights_shared(some: Floats, others: Floats) -> Floats:
    """Return the intersection over union of the vertical extents of every pair."""
    low = np.maximum(some[:, None, 1], others[None, :, 1])
    high = np.minimum(some[:, None, 3], others[None, :, 3])
    whole = np.maximum(some[:, None, 3], others[None, :, 3]) - np.minimum(
        some[:, None, 1], others[None, :, 1]
    )
    return np.asarray(np.clip(high - low, 0, None) / np.where(whole > 0, whole, 1.0))
