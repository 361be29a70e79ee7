"""Groups of a convolution as dense products."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._layout import BLOCK


def groups_together(group: int, outputs: int) -> int:
    """Return how many groups are computed as one dense product, so that each starts at a whole block of channels."""
    together = BLOCK // math.gcd(outputs, BLOCK)
    return min(group, together)


def expand_groups(weight: npt.NDArray[np.int8], group: int) -> npt.NDArray[np.int8]:
    """Return the weights (O, kh, kw, I) of a dense product equal to `group` groups: zeros between them."""
    if group == 1:
        return weight
    outputs, height, width, inputs = weight.shape
    each = outputs // group
    dense = np.zeros((outputs, height, width, group * inputs), np.int8)
    for index in range(group):
        dense[index * each : (index + 1) * each, :, :, index * inputs : (index + 1) * inputs] = weight[
            index * each : (index + 1) * each
        ]
    return dense
