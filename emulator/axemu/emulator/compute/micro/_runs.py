"""Pixels that lie one behind the other in memory."""

from __future__ import annotations

from ._memory import load_i32
from ._numba import njit


@njit
def run_end(sources: int, others: int, targets: int, first: int, last: int, step: int) -> int:
    """Return up to which pixel all three tables of int32 offsets grow by `step` bytes a pixel from `first` on; at most `last`."""
    source, other, target = load_i32(sources, first), load_i32(others, first), load_i32(targets, first)
    end = first + 1
    while end < last:
        source += step
        other += step
        target += step
        if (
            load_i32(sources, end) != source
            or load_i32(others, end) != other
            or load_i32(targets, end) != target
        ):
            break
        end += 1
    return end
