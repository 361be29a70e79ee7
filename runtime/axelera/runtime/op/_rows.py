"""Rows in other coordinates, masks and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._core import Operator, as_array
from axelera.runtime.op._frame import needed_frame
from axelera.runtime.op._transforms import normalised
from axemu.host import softmax as softmax_of

Array = npt.NDArray[Any]


class ToImageSpace(Operator):
    """Turn pixels of the model's input into 0..1 of the image, by what letterbox, resize and crop noted for the frame.

    Boxes are columns `box_cols[0]` to `box_cols[1]`, as corners (`xyxy`) or centre and size (`xywh`, `xywhr`); `keypoint_cols` are columns of x, each followed by y.
    Nothing is cut off at the image's edge.
    """

    box_cols: tuple[int, int] = (0, 4)
    box_format: str = "xyxy"
    keypoint_cols: Sequence[int] | None = None

    def __call__(self, rows: Any) -> Array:
        """Return the rows.

        Raises:
            TypeError: no frame is known.
            ValueError: nothing placed the image in the input, or the format does not exist.
        """
        frame = needed_frame("to_image_space")
        if frame.saved is None:
            raise ValueError("to_image_space: no letterbox, resize or crop came before in this pipeline")
        array = as_array(rows, self)
        moved = array.astype(np.float32 if array.dtype.kind != "f" else array.dtype)
        first, end = self.box_cols
        if self.box_format == "xyxy":
            moved[:, first:end] = normalised(moved[:, first:end], frame.saved)
        elif self.box_format in ("xywh", "xywhr"):
            (sx, sy), (width, height) = frame.saved.scale, frame.saved.source
            moved[:, first : first + 2] = normalised(moved[:, first : first + 2], frame.saved)
            moved[:, first + 2 : first + 4] /= np.array((sx * width, sy * height), moved.dtype)
        else:
            raise ValueError(
                f"to_image_space: box_format {self.box_format!r}; there are xyxy, xywh and xywhr"
            )
        for column in self.keypoint_cols or ():
            moved[:, column : column + 2] = normalised(moved[:, column : column + 2], frame.saved)
        return moved


class ProtoToMask(Operator):
    """Masks of boxes: what the coefficients make of the prototypes, cut to the box, 255 where it exceeds the threshold.

    Boxes are in pixels of the model's input: run it before `to_image_space`.
    """

    mask_threshold: float = 0.5
    num_mask_coeffs: int = 32

    def __call__(self, rows: Any, prototypes: Any) -> list[npt.NDArray[np.uint8]]:
        """Return a mask per row, uint8 (height, width) at the prototypes' resolution; empty where the box is.

        Raises:
            TypeError: no frame is known, and so not the input's size.
            ValueError: nothing placed the image in the input.
        """
        frame = needed_frame("proto_to_mask")
        if frame.saved is None:
            raise ValueError("proto_to_mask: no letterbox, resize or crop came before in this pipeline")
        array, planes = as_array(rows, self), as_array(prototypes, self)
        count, height, width = planes.shape
        coefficients = array[:, 6 : 6 + self.num_mask_coeffs].astype(np.float32)
        target = frame.saved.target
        ratio = np.array((width / target[0], height / target[1]) * 2)
        boxes = array[:, :4] * ratio
        low = np.clip(np.floor(boxes[:, :2]), 0, (width, height)).astype(int)
        high = np.clip(np.ceil(boxes[:, 2:]), 0, (width, height)).astype(int)
        masks = []
        for (x0, y0), (x1, y1), weights in zip(low, high, coefficients, strict=True):
            part = planes[:, y0 : max(y0, y1), x0 : max(x0, x1)]
            values = (weights @ part.reshape(count, -1)).reshape(part.shape[1:])
            with np.errstate(over="ignore"):
                inside = 1 / (1 + np.exp(-values)) > self.mask_threshold
            masks.append((inside * 255).astype(np.uint8))
        return masks


class Softmax(Operator):
    """Probabilities of the last axis, or of the classes of (1, classes, 1, 1)."""

    def __call__(self, logits: Any) -> npt.NDArray[np.float32]:
        """Return the probabilities in the same shape."""
        array = as_array(logits, self)
        return softmax_of(array, axis=1 if array.ndim == 4 else -1)


to_image_space, proto_to_mask, softmax = ToImageSpace, ProtoToMask, Softmax
