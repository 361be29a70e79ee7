"""Images at another size, as OpenCV does it: pixel centres at halves, edges repeated, nothing smoothed when it shrinks.

In float32 instead of OpenCV's fixed point, so values may differ by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def _linear(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.maximum(0.0, 1 - np.abs(distance)))


def _cubic(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the kernel with a = -0.75, of two pixels' radius."""
    x, a = np.abs(distance), -0.75
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    outer = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))


def _lanczos(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the kernel of four pixels' radius."""
    weights = np.sinc(distance) * np.sinc(distance / 4) * (np.abs(distance) < 4)
    total = weights.sum(axis=0, keepdims=True)
    return np.asarray(weights / total, np.float64)


_KERNELS: dict[str, tuple[int, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]] = {
    "bilinear": (1, _linear),
    "bicubic": (2, _cubic),
    "lanczos": (4, _lanczos),
}
INTERPOLATIONS = ("nearest", *_KERNELS)


def resample(image: Pixels, width: int, height: int, interpolation: str = "bilinear") -> Pixels:
    """Return an image (height, width, channels) at another size."""
    if image.shape[:2] == (height, width):
        return image
    if interpolation == "nearest":
        rows = np.arange(height) * image.shape[0] // height
        columns = np.arange(width) * image.shape[1] // width
        return np.asarray(image[rows[:, np.newaxis], columns], np.uint8)
    radius, kernel = _KERNELS[interpolation]
    rows, row_weights = _taps(image.shape[0], height, radius, kernel)
    columns, column_weights = _taps(image.shape[1], width, radius, kernel)
    if height * image.shape[1] > width * image.shape[0]:  # the way with the smaller plane between
        between = _along_columns(image, columns, column_weights)
        whole = _along_rows(between, rows, row_weights)
    else:
        between = _along_rows(image, rows, row_weights)
        whole = _along_columns(between, columns, column_weights)
    return np.clip(np.rint(whole), 0, 255).astype(np.uint8)


def _taps(
    size: int, wanted: int, radius: int, kernel: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return indices and weights (taps, wanted) of the pixels that each new one is made of."""
    centres = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    places = np.floor(centres) + np.arange(1 - radius, radius + 1)[:, np.newaxis]
    return np.clip(places, 0, size - 1).astype(np.intp), kernel(centres - places).astype(np.float32)


def _along_rows(
    image: npt.NDArray[np.uint8] | Floats, indices: npt.NDArray[np.intp], weights: Floats
) -> Floats:
    whole: Floats = image[indices[0]] * weights[0][:, np.newaxis, np.newaxis]
    for index, weight in zip(indices[1:], weights[1:], strict=True):
        whole += image[index] * weight[:, np.newaxis, np.newaxis]
    return whole


def _along_columns(
    image: npt.NDArray[np.uint8] | Floats, indices: npt.NDArray[np.intp], weights: Floats
) -> Floats:
    whole: Floats = image[:, indices[0]] * weights[0][:, np.newaxis]
    for index, weight in zip(indices[1:], weights[1:], strict=True):
        whole += image[:, index] * weight[:, np.newaxis]
    return whole
