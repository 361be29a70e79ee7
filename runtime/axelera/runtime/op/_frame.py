"""What operators know of the frame they work on: its image, where that lies in the model's input, and the object around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from axelera.runtime.op._types import BBox


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the image lies in the model's input: a point (x, y) of the image is at ``x * scale + offset`` there.

    `source` is the size of the image, `target` that of the input, (width, height) in pixels.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)

    def then(
        self, target: tuple[int, int], scale: tuple[float, float], offset: tuple[float, float]
    ) -> Geometry:
        """Return this followed by another scaling and shift."""
        return Geometry(
            self.source,
            target,
            (self.scale[0] * scale[0], self.scale[1] * scale[1]),
            (self.offset[0] * scale[0] + offset[0], self.offset[1] * scale[1] + offset[1]),
        )


@dataclass(slots=True)
class FrameContext:
    """The frame a pipeline works on.

    `input` is what the pipeline was given; `image` the part of it that is being looked at (a crop within `for_each`);
    `saved` its geometry after letterbox, resize or crop; `parent` the object around it, in the frame.
    """

    input: Any
    image: Any = None
    saved: Geometry | None = None
    parent: BBox | None = None

    def __post_init__(self) -> None:
        """The frame itself is looked at first."""
        if self.image is None:
            self.image = self.input

    def map_bbox(self, box: BBox) -> tuple[int, int, int, int]:
        """Return a box of the current region in pixels of the whole frame."""
        width, height = image_size(self.input)
        whole = box if self.parent is None else box.in_frame_of(self.parent)
        return whole.to_pixels(width, height)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Restore everything at the end of the block."""
        before = self.image, self.saved, self.parent
        try:
            yield
        finally:
            self.image, self.saved, self.parent = before


_current: ContextVar[FrameContext | None] = ContextVar("axelera.runtime.op frame", default=None)


def current_frame() -> FrameContext | None:
    """Return the frame that is being worked on."""
    return _current.get()


def needed_frame(who: str) -> FrameContext:
    """Return the frame that is being worked on.

    Raises:
        TypeError: there is none.
    """
    frame = _current.get()
    if frame is None:
        raise TypeError(
            f"{who}: needs the image that the values come from; call it within a pipeline that was given the image, "
            "or within `with op.frame_context(image):`"
        )
    return frame


@contextmanager
def frame_context(image: Any) -> Iterator[FrameContext]:
    """Let operators of the block, pipelines included, work on `image`."""
    frame = FrameContext(image)
    token = _current.set(frame)
    try:
        yield frame
    finally:
        _current.reset(token)


def image_size(image: Any) -> tuple[int, int]:
    """Return (width, height) of an image: an `Image`, an array (height, width, channels) or a Pillow image.

    Raises:
        TypeError: it is no image.
    """
    shape = getattr(image, "shape", None)
    if shape is not None and len(shape) in (2, 3):
        return int(shape[1]), int(shape[0])
    if hasattr(image, "width") and hasattr(image, "height"):
        return int(image.width), int(image.height)
    raise TypeError(
        f"a {type(image).__name__} is no image; give an Image, an array (height, width, channels) or a PIL image"
    )
