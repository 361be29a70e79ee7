"""Copies of buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SHORT = 1 << 18
"""Bytes that are copied sooner than a busy thread gets the interpreter back."""


def copy_flat(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """Copy a flat, contiguous array into another of its size and dtype.

    NumPy gives the interpreter away while it copies. Where other threads want it, that takes longer than a short copy.
    """
    if source.nbytes <= SHORT:
        target.data[:] = source.data
    else:
        np.copyto(target, source)
