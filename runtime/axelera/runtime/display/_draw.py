"""Results drawn onto images, with Pillow."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np

from axelera.runtime.cv import Image
from axelera.runtime.op import (
    BBox,
    Classification,
    DepthMap,
    Keypoint,
    OrientedObject,
    SemanticSegmentation,
)

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageDraw

_GOLDEN = 0.618034
_VISIBLE = 0.5


def draw(image: Any, result: Any) -> Image:
    """Return an image, RGB, with what a pipeline found on it (ours; the vendor's objects draw themselves).

    Args:
        image: an `Image`, one of Pillow's, or an array; an array's colours are BGR, as in the vendor's demos.
        result: objects of `axelera.runtime.op`, lists and tuples of them, or None. Anything else is not drawn.
    """
    import PIL.Image  # noqa: PLC0415  slow to import
    import PIL.ImageDraw  # noqa: PLC0415

    base = Image.from_any(image, "BGR").convert("RGB")
    picture = PIL.Image.fromarray(_with_planes(base.to_numpy(), result))
    _draw_objects(PIL.ImageDraw.Draw(picture), picture.size, result)
    return Image.from_array(np.asarray(picture), "RGB", like=base)


def _flat(result: Any) -> list[Any]:
    if isinstance(result, list | tuple):
        return [one for part in result for one in _flat(part)]
    return [result]


def _with_planes(pixels: Any, result: Any) -> Any:
    """Lay maps of depth and of classes, stretched to the image, half over it."""
    import PIL.Image  # noqa: PLC0415

    for one in _flat(result):
        if isinstance(one, DepthMap):
            low, high = float(one.depth.min()), float(one.depth.max())
            grey = ((one.depth - low) / ((high - low) or 1) * 255).astype(np.uint8)
            plane = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
        elif isinstance(one, SemanticSegmentation):
            numbers, places = np.unique(one.class_map, return_inverse=True)
            palette = np.array([_colour(int(number)) for number in numbers], np.uint8)
            plane = palette[places.reshape(one.class_map.shape)]
        else:
            continue
        stretched = PIL.Image.fromarray(plane).resize(pixels.shape[1::-1], PIL.Image.Resampling.NEAREST)
        pixels = (pixels // 2 + np.asarray(stretched) // 2).astype(np.uint8)
    return pixels


def _draw_objects(pen: PIL.ImageDraw.ImageDraw, size: tuple[int, int], result: Any) -> None:
    line = 0
    for one in _flat(result):
        colour = _colour(_number(one))
        if isinstance(one, Classification):
            pen.text((4, 4 + 12 * line), _label(one), colour)
            line += 1
            continue
        for keypoint in getattr(one, "keypoints", ()):
            _draw_point(pen, size, keypoint, colour)
        if isinstance(one, OrientedObject):
            corners = [(float(x), float(y)) for x, y in one.frame_corners(*size)]
            pen.polygon(corners, outline=colour)
            pen.text(corners[0], _label(one), colour)
        elif isinstance(box := getattr(one, "bbox", None), BBox):
            x0, y0, x1, y1 = box.frame_pixels(*size)
            _draw_mask(pen, (x0, y0, x1, y1), getattr(one, "mask", None), colour)
            pen.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=colour)
            pen.text((x0 + 2, y0 + 1), _label(one), colour)


def _draw_point(
    pen: PIL.ImageDraw.ImageDraw, size: tuple[int, int], point: Keypoint, colour: tuple[int, int, int]
) -> None:
    if point.confidence >= _VISIBLE:
        x, y = point.frame_x(size[0]), point.frame_y(size[1])
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)


def _draw_mask(
    pen: PIL.ImageDraw.ImageDraw, box: tuple[int, int, int, int], mask: Any, colour: tuple[int, int, int]
) -> None:
    """Dot a mask, stretched to its box."""
    import PIL.Image  # noqa: PLC0415

    wide, high = box[2] - box[0], box[3] - box[1]
    if mask is None or not mask.size or wide < 1 or high < 1:
        return
    dots = np.asarray(PIL.Image.fromarray(mask).resize((wide, high))) > 127
    dots &= np.add.outer(np.arange(high), np.arange(wide)) % 2 == 0
    pen.bitmap((box[0], box[1]), PIL.Image.fromarray(dots), fill=colour)


def _number(one: Any) -> int:
    """Return what decides the colour: a track's identity, else the class."""
    number = getattr(one, "track_id", getattr(one, "class_id", 0))
    return int(number) if isinstance(number, int | np.integer) else 0


def _colour(number: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.8, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def _label(one: Any) -> str:
    name = getattr(one.class_id, "name", one.class_id)
    number = f"#{one.track_id} " if hasattr(one, "track_id") else ""
    score = "" if one.score is None else f" {one.score:.2f}"
    return f"{number}{name}{score}"
