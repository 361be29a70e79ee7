"""Pixels with the name of their colours."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from axemu.driver import NotImplemented  # noqa: A004
from axemu.host import eight_bits

if TYPE_CHECKING:
    import PIL.Image

Pixels = npt.NDArray[np.uint8]


class ColorFormat(enum.Enum):
    """What the bytes of a pixel are. Decoders of others may also give the planar ones, which convert to the rest."""

    RGB = "RGB"
    BGR = "BGR"
    RGBA = "RGBA"
    BGRA = "BGRA"
    GRAY = "GRAY"
    PACKED = "PACKED"
    I420 = "I420"
    NV12 = "NV12"
    NV16 = "NV16"
    YUY2 = "YUY2"
    Y444 = "Y444"
    Y42B = "Y42B"

    @classmethod
    def of(cls, name: ColorFormat | str) -> ColorFormat:
        """Return the format of a name in any case.

        Raises:
            ValueError: there is none of that name.
        """
        if isinstance(name, cls):
            return name
        try:
            return cls[str(name).upper()]
        except KeyError:
            raise ValueError(
                f"{str(name)[:100]!r} is no color format; there are {', '.join(cls.__members__)}"
            ) from None


_CHANNELS = {
    ColorFormat.RGB: 3,
    ColorFormat.BGR: 3,
    ColorFormat.RGBA: 4,
    ColorFormat.BGRA: 4,
    ColorFormat.GRAY: 1,
}


class Image:
    """An image, read only: uint8 (height, width, channels).

    Made by `from_array`, `from_pil` or `from_any`. Times are those of its source.
    """

    def __init__(
        self,
        pixels: Pixels,
        color_format: ColorFormat,
        source: str = "",
        presentation_timestamp: int | None = None,
        decoded_timestamp: int | None = None,
    ) -> None:
        """Take pixels of (height, width, channels); `presentation_timestamp` in µs, `decoded_timestamp` in ns."""
        self._pixels = pixels.view()
        self._pixels.flags.writeable = False
        self.color_format = color_format
        self.source = source
        self.presentation_timestamp = presentation_timestamp
        self.decoded_timestamp = decoded_timestamp

    @classmethod
    def from_array(
        cls,
        array: npt.NDArray[Any],
        fallback_color_format: ColorFormat | str | None = None,
        source: str = "",
        like: Image | None = None,
    ) -> Self:
        """Make an image of an array without copying it.

        Args:
            array: uint8, (height, width) or (height, width, 1) for grey, (height, width, 3 or 4) for colours.
            fallback_color_format: what colours are; without it they are PACKED, which converts to nothing.
            source: where it comes from.
            like: an image to take source and times from.

        Raises:
            ValueError: another dtype or shape, or a format of another number of channels.
        """
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or 0 in array.shape:
            raise ValueError(f"an image is uint8 (height, width, channels), not {array.dtype} {array.shape}")
        pixels = array if array.ndim == 3 else array[:, :, np.newaxis]
        channels = pixels.shape[2]
        if channels not in (1, 3, 4):
            raise ValueError(f"an image has 1, 3 or 4 channels, not {channels}")
        known = ColorFormat.GRAY if channels == 1 else ColorFormat.PACKED
        if fallback_color_format is not None and channels > 1:
            known = ColorFormat.of(fallback_color_format)
            if _CHANNELS.get(known, channels) != channels:
                raise ValueError(f"{known.name} has {_CHANNELS[known]} channels; the array has {channels}")
        if like is not None:
            return cls(
                pixels, known, source or like.source, like.presentation_timestamp, like.decoded_timestamp
            )
        return cls(pixels, known, source)

    @classmethod
    def from_pil(cls, image: PIL.Image.Image, source: str = "") -> Self:
        """Make an image of one of Pillow's; what is neither grey nor RGBA becomes RGB. Greys of 16 bits are scaled to 8."""
        image = eight_bits(image)
        mode = {"L": ColorFormat.GRAY, "RGBA": ColorFormat.RGBA}.get(image.mode, ColorFormat.RGB)
        converted = image if image.mode in ("L", "RGBA", "RGB") else image.convert("RGB")
        return cls.from_array(np.asarray(converted), mode, source)

    @classmethod
    def from_any(
        cls, value: Any, fallback_color_format: ColorFormat | str | None = None, source: str = ""
    ) -> Image:
        """Make an image of an `Image`, an array, or one of Pillow's.

        Raises:
            TypeError: it is none of these.
        """
        if isinstance(value, Image):
            return value
        if isinstance(value, np.ndarray):
            return cls.from_array(value, fallback_color_format, source)
        if hasattr(value, "mode") and hasattr(value, "convert"):
            return cls.from_pil(value, source)
        raise TypeError(f"a {type(value).__name__} is no image; give an Image, an array or a PIL image")

    @classmethod
    def from_gst(cls, *_: Any, **__: Any) -> Self:
        """Refuse: there is no GStreamer here.

        Raises:
            NotImplemented: always.
        """
        raise NotImplemented("Image.from_gst: there is no GStreamer here; use from_array")  # noqa: F901

    @classmethod
    def from_videobuffer(cls, *_: Any, **__: Any) -> Self:
        """Refuse: the vendor's decoder buffers are not published.

        Raises:
            NotImplemented: always.
        """
        raise NotImplemented(  # noqa: F901  the documented exception
            "Image.from_videobuffer: what such a buffer is is not published; use from_array"
        )

    @property
    def color_range(self) -> None:
        """None: what decoders here give is RGB or BGR, which has none."""
        return None

    @property
    def color_matrix(self) -> None:
        """None, for the same reason."""
        return None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = self._pixels.shape
        return height, width, channels

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return self._pixels.nbytes

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return self.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[0]

    @property
    def pitch(self) -> int:
        """Bytes from a row to the next."""
        return self._pixels.strides[0]

    @property
    def pixel_stride(self) -> int:
        """Bytes from a pixel to the next."""
        return self._pixels.strides[1]

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from a row to the next, of each plane."""
        return (self.pitch,)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each plane begins."""
        return (0,)

    @property
    def has_array(self) -> bool:
        """True: pixels are always an array here."""
        return True

    @property
    def has_pil(self) -> bool:
        """False: no image of Pillow's is kept."""
        return False

    @property
    def has_gst(self) -> bool:
        """False: nothing here comes from GStreamer."""
        return False

    @property
    def has_videobuffer(self) -> bool:
        """False: there are no buffers of a decoder here."""
        return False

    def to_numpy(self) -> Pixels:
        """Return the pixels, (height, width, channels), read only and not copied."""
        return self._pixels

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the pixels, for NumPy."""
        return np.array(self._pixels, dtype, copy=copy)

    def is_convert_available(self, to: ColorFormat | str) -> bool:
        """Return whether `convert` takes this format."""
        wanted = ColorFormat.of(to)
        return wanted is self.color_format or (wanted in _CHANNELS and self.color_format in _CHANNELS)

    def convert(self, to: ColorFormat | str) -> Image:
        """Return the image in another format, or itself when it is in it.

        Grey is 0.299 red, 0.587 green, 0.114 blue, rounded.

        Raises:
            ValueError: the colours are unknown (PACKED), or nothing turns them into these.
        """
        wanted = ColorFormat.of(to)
        if wanted is self.color_format:
            return self
        if not self.is_convert_available(wanted):
            hint = (
                "; say what the channels are, as in Image.from_array(array, 'BGR') or color_convert('RGB', src='BGR')"
                if self.color_format is ColorFormat.PACKED
                else ""
            )
            raise ValueError(f"{self.color_format.name} cannot be converted to {wanted.name}{hint}")
        pixels = _FROM_RGBA[wanted](_TO_RGBA[self.color_format](self._pixels))
        return Image(pixels, wanted, self.source, self.presentation_timestamp, self.decoded_timestamp)

    def __repr__(self) -> str:
        return f"<Image {self.width}x{self.height} {self.color_format.name} {self.source}>".replace(" >", ">")


_Planes = tuple[Pixels, Pixels, Pixels, Pixels | None]


def _grey(planes: _Planes) -> Pixels:
    """Weigh in fixed point, as decoders do: 14 bits."""
    red, green, blue, _ = planes
    whole = red.astype(np.uint32) * 4899 + green.astype(np.uint32) * 9617 + blue.astype(np.uint32) * 1868
    return ((whole + 8192) >> 14).astype(np.uint8)[:, :, np.newaxis]


def _stacked(planes: _Planes, order: str) -> Pixels:
    named = dict(zip("RGBA", planes, strict=True))
    if named["A"] is None:
        named["A"] = np.full_like(planes[0], 255)
    return np.stack([plane for plane in map(named.__getitem__, order) if plane is not None], axis=2)


def _planes(order: str) -> Callable[[Pixels], _Planes]:
    def split(pixels: Pixels) -> _Planes:
        alpha = pixels[:, :, order.index("A")] if "A" in order else None
        red, green, blue = (pixels[:, :, order.index(name)] for name in "RGB")
        return red, green, blue, alpha

    return split


def _grey_planes(pixels: Pixels) -> _Planes:
    return pixels[:, :, 0], pixels[:, :, 0], pixels[:, :, 0], None


def _in_order(order: str) -> Callable[[_Planes], Pixels]:
    return lambda planes: _stacked(planes, order)


_ORDERED = (ColorFormat.RGB, ColorFormat.BGR, ColorFormat.RGBA, ColorFormat.BGRA)
_TO_RGBA: dict[ColorFormat, Callable[[Pixels], _Planes]] = {
    **{known: _planes(known.name) for known in _ORDERED},
    ColorFormat.GRAY: _grey_planes,
}
_FROM_RGBA: dict[ColorFormat, Callable[[_Planes], Pixels]] = {
    **{known: _in_order(known.name) for known in _ORDERED},
    ColorFormat.GRAY: _grey,
}
