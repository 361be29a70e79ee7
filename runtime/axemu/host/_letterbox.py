"""Images as networks take them: stretched, or with their proportions kept and a border around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from axemu.host._detections import Detections
from axemu.host._images import eight_bits

if TYPE_CHECKING:
    from PIL.Image import Image

GREY = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """An image inside a network's input: pixel of the image times `scale` plus `offset` (x, y) is pixel of the input.

    Attributes:
        pixels: uint8 (height, width, 3), RGB.
        scale: pixels of the input per pixel of the image.
        offset: where the image begins, in pixels of the input: x, y.
        size: width and height of the image.
    """

    pixels: npt.NDArray[np.uint8]
    scale: float
    offset: tuple[int, int]
    size: tuple[int, int]

    def back(self, found: Detections) -> Detections:
        """Turn boxes in pixels of the input into boxes in pixels of the image, cut off at its edges."""
        corners = (found.boxes - np.array(self.offset * 2, np.float32)) / np.float32(self.scale)
        corners = corners.clip(0, np.array(self.size * 2, np.float32))
        return Detections(corners, found.scores, found.classes, found.rest)


def letterbox(image: Image, width: int, height: int, *, fill: int = GREY) -> Letterbox:
    """Fit an image into `width` x `height`, in the middle of a border of grey `fill`, with its proportions kept."""
    from PIL import Image as images  # noqa: N813, PLC0415  only for who has images

    photo = eight_bits(image).convert("RGB")
    scale = min(width / photo.width, height / photo.height)
    inner = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    offset = ((width - inner.width) // 2, (height - inner.height) // 2)
    canvas = images.new("RGB", (width, height), (fill, fill, fill))
    canvas.paste(inner, offset)
    return Letterbox(np.asarray(canvas, np.uint8), scale, offset, photo.size)


def chw(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return uint8 (height, width, channels) as float32 (1, channels, height, width), values unchanged: 0 to 255."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], np.float32)
