"""Which data a network was calibrated with, as digests: whoever judges it later can tell whether it has seen a picture.

Digests are of content, so another name or file format of the same pixels is the same picture; one that was scaled or compressed
anew is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

MOST = 100_000
"""Digests of either kind that are kept."""
_BYTES = 8
T = TypeVar("T")


def digest(image: Image.Image | npt.NDArray[np.uint8]) -> str:
    """Return the digest of an image's pixels: 8 bits, height x width x channels."""
    return _digest([np.asarray(image)])


def digest_of_frame(values: Sequence[npt.NDArray[np.float32]]) -> str:
    """Return the digest of what a network gets: its inputs of one frame, in the order of their names."""
    return _digest([np.asarray(value, np.float32).reshape(-1) for value in values])


def _digest(arrays: Iterable[npt.NDArray[Any]]) -> str:
    found = hashlib.blake2b(digest_size=_BYTES)
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _is_image(value: Any) -> bool:
    return isinstance(value, Image.Image) or (isinstance(value, np.ndarray) and value.dtype == np.uint8)


class Seen:
    """Takes the digests of calibration data while somebody goes through it."""

    def __init__(self) -> None:
        self._count = 0
        self._items: list[str] = []
        self._samples: list[str] = []

    def items(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on; those that are images are remembered, labelled or not."""
        for item in items:
            image: Any = item[0] if isinstance(item, (tuple, list)) and item else item
            if len(self._items) < MOST and _is_image(image):
                self._items.append(digest(image))
            yield item

    def frames(self, frames: Iterable[Mapping[str, npt.NDArray[np.float32]]]) -> Iterator[Any]:
        """Pass frames on and remember them."""
        for frame in frames:
            self._count += 1
            if len(self._samples) < MOST:
                self._samples.append(digest_of_frame([frame[name] for name in sorted(frame)]))
            yield frame

    def to_json(self) -> dict[str, Any]:
        """Return what the report says."""
        return {"count": self._count, "items": self._items, "samples": self._samples}
