"""What the tensors of a TorchScript program stand for: integers, or real values that are about to become integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Pads = tuple[int, int, int, int]
NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Input:
    """A real input of the program, before it is quantised."""

    index: int


@dataclass(frozen=True, slots=True)
class Integers:
    """A tensor of the program."""

    name: str


@dataclass(frozen=True, slots=True)
class Padded:
    """A tensor with a border of one value: top, left, bottom, right."""

    name: str
    pads: Pads
    value: float


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a convolution, int8 (O, I / group, kh, kw)."""

    values: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of a convolution or a pool on their way to real values.

    `window` holds kernel, strides, dilations, pads; `steps` what was done to the sums so far.
    """

    source: str
    weights: npt.NDArray[np.int8] | None
    window: dict[str, Any]
    group: int
    module: str
    steps: tuple[str, ...] = ()
    constant: Float32Array | None = None
    """What was added to the sums of a convolution, or what those of a pool were multiplied by."""


@dataclass(frozen=True, slots=True)
class Convolved:
    """Real values of a convolution: (f18(f18(sum) + bias) - offset) * scale."""

    sums: Sums
    scale: Float32Array
    offset: Float32Array


@dataclass(frozen=True, slots=True)
class Averaged:
    """Real values of an average pool."""

    sums: Sums
    scale: Float32Array
    offset: Float32Array


@dataclass(frozen=True, slots=True)
class Dequantised:
    """Real values of a tensor."""

    name: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Sum or difference of two real tensors; `rounded` once it has 11 significant bits."""

    op: str
    left: Convolved | Dequantised
    right: Convolved | Dequantised
    module: str
    rounded: bool = False


Real = Input | Convolved | Averaged | Dequantised | Joined
Meaning = Real | Integers | Padded | Weights | Sums
