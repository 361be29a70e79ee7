"""From images to what a model takes. Images are arrays (height, width, channels), `cv.Image`s or Pillow's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.cv import ColorFormat, Image
from axelera.runtime.op._core import Operator, as_array
from axelera.runtime.op._frame import Geometry, current_frame, needed_frame
from axelera.runtime.op._resample import INTERPOLATIONS, resample
from axelera.runtime.op._types import BBox, CoordFormat, OrientedObject

Tensor = npt.NDArray[Any]


def _pixels(value: Any) -> npt.NDArray[np.uint8]:
    image = Image.from_any(value)
    return image.to_numpy()


def _like(pixels: npt.NDArray[np.uint8], value: Any) -> Any:
    """Return pixels as an `Image` where one came in."""
    if isinstance(value, Image):
        return Image.from_array(pixels, value.color_format, like=value)
    return pixels


def _placed(
    image: Any, target: tuple[int, int], scale: tuple[float, float], offset: tuple[float, float]
) -> None:
    """Note for the frame where its image lies now; `target` is (width, height)."""
    frame = current_frame()
    if frame is not None:
        height, width = image.shape[:2]
        before = frame.saved
        if before is None or before.target != (width, height):
            before = Geometry((width, height), (width, height))
        frame.saved = before.then(target, scale, offset)


class Resize(Operator):
    """Change the size: to width and height, or so that the shorter side is `size`, like OpenCV within one step of a value.

    Some of the vendor's examples give a pair, (height, width), as `width` or `size`. Only `half_pixel_centers=True` exists.
    """

    width: int = 0
    height: int = 0
    size: int = 0
    half_pixel_centers: bool = True
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            ValueError: neither both sides nor `size` are given, or something that does not exist.
        """
        for pair in (self.width, self.size):
            if isinstance(pair, Sequence):
                self.height, self.width = pair
                self.size = 0
        if bool(self.size) == bool(self.width or self.height) or bool(self.width) != bool(self.height):
            raise ValueError("resize: give width and height, or size")
        if min(self.width, self.height, self.size) < 0:
            raise ValueError("resize: sizes are positive")
        if not self.half_pixel_centers:
            raise ValueError(
                "resize: half_pixel_centers=False is not implemented; it is not on a card either"
            )
        self.interpolation = str(getattr(self.interpolation, "name", self.interpolation)).lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"resize: interpolation {self.interpolation!r}; there are {', '.join(INTERPOLATIONS)}"
            )

    def __call__(self, image: Any) -> Any:
        """Return the image at the new size."""
        pixels = _pixels(image)
        height, width = pixels.shape[:2]
        wide, high = self.width, self.height
        if self.size:
            ratio = self.size / min(width, height)
            wide, high = max(1, round(width * ratio)), max(1, round(height * ratio))
        _placed(pixels, (wide, high), (wide / width, high / height), (0.0, 0.0))
        return _like(resample(pixels, wide, high, self.interpolation), image)


class CenterCrop(Operator):
    """Cut the middle out: a square of `size`, or (height, width)."""

    size: int | tuple[int, int]

    def __call__(self, image: Any) -> Any:
        """Return the middle.

        Raises:
            ValueError: the image is smaller.
        """
        high, wide = (self.size, self.size) if isinstance(self.size, int) else self.size
        pixels = _pixels(image)
        height, width = pixels.shape[:2]
        if high > height or wide > width:
            raise ValueError(f"center_crop: {wide}x{high} does not fit into an image of {width}x{height}")
        top, left = (height - high) // 2, (width - wide) // 2
        _placed(pixels, (wide, high), (1.0, 1.0), (-left, -top))
        return _like(pixels[top : top + high, left : left + wide], image)


class Letterbox(Operator):
    """Fit an image into a size, keeping its proportions, with a border; a pixel that cannot be shared goes right or below.

    The frame remembers where the image lies, for `to_image_space`.
    """

    width: int
    height: int
    fill_color: tuple[int, ...] = (114, 114, 114)

    def __call__(self, image: Any) -> Any:
        """Return the image with its border."""
        pixels = _pixels(image)
        height, width, channels = pixels.shape
        ratio = min(self.width / width, self.height / height)
        wide = min(max(1, round(width * ratio)), self.width)
        high = min(max(1, round(height * ratio)), self.height)
        left, top = (self.width - wide) // 2, (self.height - high) // 2
        canvas = np.empty((self.height, self.width, channels), np.uint8)
        canvas[:] = (*self.fill_color, 255)[:channels]
        canvas[top : top + high, left : left + wide] = resample(pixels, wide, high)
        _placed(pixels, (self.width, self.height), (wide / width, high / height), (left, top))
        return _like(canvas, image)


class ColorConvert(Operator):
    """Change the order of colours. `src` says what an array's channels are, which an `Image` knows itself."""

    dst: ColorFormat | str
    src: ColorFormat | str | Sequence[ColorFormat | str] | None = None

    def __call__(self, image: Any) -> Image:
        """Return an `Image` in the format `dst`.

        Raises:
            ValueError: the colours are neither known nor said, or nothing turns them into these.
        """
        known = Image.from_any(image)
        if known.color_format is ColorFormat.PACKED and self.src is not None:
            src = self.src if isinstance(self.src, ColorFormat | str) else self.src[0]
            known = Image.from_array(known.to_numpy(), src, like=known)
        converted = known.convert(self.dst)
        frame = current_frame()
        if frame is not None and frame.image is image:
            frame.image = converted  # what is cut out of it later has these colours
        return converted


class ToTensor(Operator):
    """Turn an image of bytes (height, width, channels) into float32 (channels, height, width) in 0..1."""

    def __call__(self, image: Any) -> npt.NDArray[np.float32]:
        """Return the tensor."""
        planes = np.ascontiguousarray(_pixels(image).transpose(2, 0, 1))
        return np.asarray(planes / np.float32(255), np.float32)


class ToImageTensor(Operator):
    """Turn an image (height, width, channels) into (channels, height, width) of the same dtype."""

    def __call__(self, image: Any) -> Tensor:
        """Return the tensor."""
        array = as_array(image, self)
        return np.ascontiguousarray(
            (array if array.ndim == 3 else array[:, :, np.newaxis]).transpose(2, 0, 1)
        )


class ToDtype(Operator):
    """Change the dtype; with `scale` uint8 becomes 0..1 and int16 -1..1."""

    dtype: npt.DTypeLike = np.float32
    scale: bool = False

    def __call__(self, tensor: Any) -> Tensor:
        """Return the tensor."""
        array = as_array(tensor, self)
        scales = {np.dtype(np.uint8): 255, np.dtype(np.int16): 32768}
        if self.scale and array.dtype in scales:
            return (array / np.float32(scales[array.dtype])).astype(self.dtype)
        return array.astype(self.dtype)


def _per_channel(values: Sequence[float], layout: str, who: str) -> npt.NDArray[np.float32]:
    if layout not in ("CHW", "HWC"):
        raise ValueError(f"{who}: layout {layout!r}; there are CHW and HWC")
    array = np.asarray(values, np.float32).reshape(-1)
    return array.reshape(-1, 1, 1) if layout == "CHW" else array


class Normalize(Operator):
    """Take `mean` out and divide by `std`, channel by channel."""

    mean: Sequence[float]
    std: Sequence[float]
    layout: str = "CHW"

    def __call__(self, tensor: Any) -> npt.NDArray[np.float32]:
        """Return the tensor, float32."""
        mean, std = (_per_channel(values, self.layout, "normalize") for values in (self.mean, self.std))
        return np.asarray((as_array(tensor, self).astype(np.float32) - mean) / std, np.float32)


class LinearScaling(Operator):
    """Divide by `scale` and add `shift`, channel by channel."""

    scale: Sequence[float]
    shift: Sequence[float] = (0.0,)
    layout: str = "CHW"

    def __call__(self, tensor: Any) -> npt.NDArray[np.float32]:
        """Return the tensor, float32."""
        scale, shift = (
            _per_channel(values, self.layout, "linear_scaling") for values in (self.scale, self.shift)
        )
        return np.asarray(as_array(tensor, self).astype(np.float32) / scale + shift, np.float32)


class ContrastNormalize(Operator):
    """Stretch an image's smallest to largest value to 0..1; one of a single value becomes zeros."""

    def __call__(self, tensor: Any) -> npt.NDArray[np.float32]:
        """Return the tensor, float32."""
        array = as_array(tensor, self).astype(np.float32)
        low, high = array.min(), array.max()
        return np.asarray((array - low) / (high - low if high > low else np.float32(1)), np.float32)


class CropRoi(Operator):
    """Cut an object's box out of the frame's image, which operators after it then work on.

    `property` names the object's box; or `indices` the columns of a row in pixels of the model's input, in `format`.
    """

    property: str | None = None
    indices: Sequence[int] | None = None
    format: CoordFormat = CoordFormat.XYXY

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            ValueError: both or neither of `property` and `indices` are given.
        """
        if (self.property is None) == (self.indices is None):
            raise ValueError("crop_roi: give property, as in crop_roi('bbox'), or indices")

    def __call__(self, item: Any) -> Any:
        """Return the part of the image.

        Raises:
            TypeError: no image is known.
            ValueError: the box covers no pixel of the image.
        """
        frame = needed_frame("crop_roi")
        pixels = _pixels(frame.image)
        height, width = pixels.shape[:2]
        box = self._box(item, frame.saved or Geometry((width, height), (width, height)))
        x0, y0, x1, y1 = box.to_pixels(width, height)
        if x1 <= x0 or y1 <= y0:
            raise ValueError(f"crop_roi: {box} covers no pixel of an image of {width}x{height}")
        cut = _like(pixels[y0:y1, x0:x1], frame.image)
        frame.image, frame.saved = cut, None
        around = None if self.indices is None else frame.parent
        frame.parent = box.in_frame if around is None else box.in_frame_of(around)
        return cut

    def _box(self, item: Any, geometry: Geometry) -> BBox:
        if self.property is not None:
            box = getattr(item, self.property, None)
            if not isinstance(box, BBox):
                raise TypeError(f"crop_roi: {type(item).__name__}.{self.property} is no BBox")
            return box
        assert self.indices is not None  # noqa: S101
        values = [float(as_array(item, self)[index]) for index in self.indices]
        makers: dict[CoordFormat, Callable[[float, float, float, float], BBox]] = {
            CoordFormat.XYXY: BBox,
            CoordFormat.XYWH: BBox.from_xywh,
            CoordFormat.LTWH: BBox.from_ltwh,
        }
        made = makers[CoordFormat(self.format)](*values)
        return BBox(*normalised(np.array([made.xyxy()], np.float64), geometry)[0])


class CropRotatedRoi(Operator):
    """Cut an `OrientedObject` out of the frame's image, turned upright."""

    def __call__(self, item: OrientedObject) -> Any:
        """Return the part of the image.

        Raises:
            TypeError: no image is known, or it is given something else.
            ValueError: the box has no area.
        """
        frame = needed_frame("crop_rotated_roi")
        if not isinstance(item, OrientedObject):
            raise TypeError(f"crop_rotated_roi: takes an OrientedObject, not a {type(item).__name__}")
        pixels = _pixels(frame.image)
        height, width = pixels.shape[:2]
        corners = item.to_corners_pixels(width, height)
        across, down = corners[1] - corners[0], corners[3] - corners[0]
        wide, high = round(float(np.hypot(*across))), round(float(np.hypot(*down)))
        if wide < 1 or high < 1:
            raise ValueError(f"crop_rotated_roi: a box of {wide}x{high} pixels")
        x = ((np.arange(wide) + 0.5) / wide)[np.newaxis, :, np.newaxis]
        y = ((np.arange(high) + 0.5) / high)[:, np.newaxis, np.newaxis]
        cut = _like(_sampled(pixels, corners[0] + x * across + y * down - 0.5), frame.image)
        frame.image, frame.saved, frame.parent = cut, None, item.bbox.in_frame
        return cut


def _sampled(pixels: npt.NDArray[np.uint8], places: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the image at places (height, width, 2) of x and y, between pixels linearly; the edge goes on outside."""
    height, width = pixels.shape[:2]
    x, y = np.clip(places[..., 0], 0, width - 1), np.clip(places[..., 1], 0, height - 1)
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    dx, dy = (x - left)[..., np.newaxis], (y - top)[..., np.newaxis]
    upper = pixels[top, left] * (1 - dx) + pixels[top, right] * dx
    lower = pixels[below, left] * (1 - dx) + pixels[below, right] * dx
    return np.asarray(np.rint(upper * (1 - dy) + lower * dy), np.uint8)


def normalised(points: npt.NDArray[Any], geometry: Geometry) -> npt.NDArray[Any]:
    """Return x and y in turn, in pixels of the model's input, as 0..1 of the image."""
    scale = np.array(geometry.scale * (points.shape[1] // 2), points.dtype)
    offset = np.array(geometry.offset * (points.shape[1] // 2), points.dtype)
    size = np.array(geometry.source * (points.shape[1] // 2), points.dtype)
    return np.asarray((points - offset) / scale / size)


resize, letterbox, normalize = Resize, Letterbox, Normalize
center_crop, color_convert = CenterCrop, ColorConvert
to_tensor, to_dtype = ToTensor, ToDtype
to_image_tensor = to_image = toimage = ToImage = ToImageTensor
linear_scaling, contrast_normalize = LinearScaling, ContrastNormalize
crop_roi, crop_rotated_roi = CropRoi, CropRotatedRoi
