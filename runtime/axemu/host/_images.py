"""Images of more than 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


def eight_bits(image: Image) -> Image:
    """Return an image with greys of 16 bits scaled to 8, where Pillow would cut them off at 255; others as they are."""
    from PIL import Image as images  # noqa: N813, PLC0415  only for who has images

    if not image.mode.startswith("I"):
        return image
    return images.fromarray(np.rint(np.asarray(image, np.float32).clip(0, 65535) / 257).astype(np.uint8))
