"""Scores of classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def softmax(logits: npt.NDArray[np.floating], axis: int = -1) -> npt.NDArray[np.float32]:
    """Return the probabilities of logits along `axis`, float32."""
    shifted = np.asarray(logits, np.float32)
    shifted = np.exp(shifted - shifted.max(axis=axis, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True), np.float32)


def top(scores: npt.NDArray[np.floating], most: int = 5) -> list[tuple[int, float]]:
    """Return the best classes of one frame with their scores, the best first; of equals the lower number.

    Args:
        scores: one score per class in any shape, such as (1, 1000) or (1, 1000, 1, 1).
        most: how many.
    """
    flat = np.asarray(scores).reshape(-1)
    return [(int(number), float(flat[number])) for number in np.argsort(-flat, kind="stable")[:most]]
