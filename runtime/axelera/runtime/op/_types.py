"""What pipelines return. All coordinates are 0..1 of the region a box was found in, its left upper corner being (0, 0)."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Corners = tuple[float, float, float, float]


class CoordFormat(enum.Enum):
    """What four numbers of a box are: two corners, centre and size, or left upper corner and size."""

    XYXY = "xyxy"
    XYWH = "xywh"
    LTWH = "ltwh"


class CoordSpace(enum.Enum):
    """What coordinates count: 0..1, pixels of the model's input, pixels of the image."""

    NORMALIZED = "normalized"
    MODEL_PIXEL = "model_pixel"
    IMAGE_PIXEL = "image_pixel"


@dataclass(slots=True)
class BBox:
    """A box by two corners; right and bottom lie outside.

    Found within the crop of another object, it also knows where it is in the whole frame (`frame_pixels`).
    """

    x0: float
    y0: float
    x1: float
    y1: float
    _frame: BBox | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_xywh(cls, cx: float, cy: float, w: float, h: float) -> Self:
        """Make a box of its centre and size."""
        return cls(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)

    @classmethod
    def from_ltwh(cls, left: float, top: float, w: float, h: float) -> Self:
        """Make a box of its left upper corner and size."""
        return cls(left, top, left + w, top + h)

    @property
    def width(self) -> float:
        """Right minus left."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Bottom minus top."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Width times height."""
        return self.width * self.height

    @property
    def center_distance(self) -> float:
        """How far its centre is from the region's, (0.5, 0.5)."""
        return math.hypot((self.x0 + self.x1) / 2 - 0.5, (self.y0 + self.y1) / 2 - 0.5)

    def xyxy(self) -> Corners:
        """Return left, top, right, bottom."""
        return self.x0, self.y0, self.x1, self.y1

    def xywh(self) -> Corners:
        """Return centre and size."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2, self.width, self.height

    def ltwh(self) -> Corners:
        """Return left, top and size."""
        return self.x0, self.y0, self.width, self.height

    def to_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the corners in pixels of a region of this size, within it."""
        return (
            _pixel(self.x0, width, width - 1),
            _pixel(self.y0, height, height - 1),
            _pixel(self.x1, width, width),
            _pixel(self.y1, height, height),
        )

    def frame_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the corners in pixels of the whole frame, whose size this is."""
        return self.in_frame.to_pixels(width, height)

    @property
    def in_frame(self) -> BBox:
        """Where it is in the whole frame, as far as it knows (ours)."""
        return self._frame or self

    def in_frame_of(self, parent: BBox) -> BBox:
        """Return where this box of the region `parent` is in whatever `parent` is in."""
        return BBox(
            parent.x0 + self.x0 * parent.width,
            parent.y0 + self.y0 * parent.height,
            parent.x0 + self.x1 * parent.width,
            parent.y0 + self.y1 * parent.height,
        )


def _pixel(value: float, size: int, last: int) -> int:
    return min(max(round(value * size), 0), max(last, 0))


class _HasBox:
    """What everything with a `bbox` can be sorted by."""

    __slots__ = ()
    bbox: BBox | None

    @property
    def area(self) -> float:
        """Area of its box; 0 without one."""
        return 0.0 if self.bbox is None else self.bbox.area

    @property
    def center_distance(self) -> float:
        """Distance of its box's centre from the region's; infinite without one."""
        return math.inf if self.bbox is None else self.bbox.center_distance


@dataclass(slots=True)
class DetectedObject(_HasBox):
    """A thing in an image; `index` is its position in the frame's list."""

    index: int = 0
    class_id: Any = None
    bbox: BBox | None = None
    score: float | None = None


@dataclass(slots=True)
class Keypoint:
    """A point of a pose."""

    x: float
    y: float
    confidence: float
    name: str = ""
    _frame: tuple[float, float] | None = field(default=None, repr=False, compare=False)

    def frame_x(self, width: int) -> float:
        """Return x in pixels of the whole frame."""
        return (self.x if self._frame is None else self._frame[0]) * width

    def frame_y(self, height: int) -> float:
        """Return y in pixels of the whole frame."""
        return (self.y if self._frame is None else self._frame[1]) * height


@dataclass(slots=True)
class PoseObject(_HasBox):
    """A body with its points."""

    index: int = 0
    keypoints: list[Keypoint] = field(default_factory=list)
    bbox: BBox | None = None
    score: float | None = None
    class_id: Any = None


@dataclass(slots=True)
class SegmentedObject(_HasBox):
    """A thing with its mask: uint8 (height, width) of 0 and 255, the cut of the prototypes' plane its box covers."""

    index: int = 0
    class_id: Any = None
    mask: npt.NDArray[np.uint8] | None = None
    bbox: BBox | None = None
    score: float | None = None


@dataclass(slots=True)
class OrientedObject:
    """A thing in a turned box: centre, size, and angle in radians. `_frame` is the region it was found in."""

    index: int
    class_id: Any
    cx: float
    cy: float
    w: float
    h: float
    angle: float
    score: float
    _frame: BBox | None = field(default=None, repr=False, compare=False)

    @property
    def xywhr(self) -> tuple[float, float, float, float, float]:
        """Centre, size, angle."""
        return self.cx, self.cy, self.w, self.h, self.angle

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """The corners (4, 2), turned as if the region were square; `to_corners_pixels` knows its shape."""
        return self.to_corners_pixels(1, 1)

    @property
    def bbox(self) -> BBox:
        """The upright box around it."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        box = BBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        box._frame = None if self._frame is None else box.in_frame_of(self._frame)  # noqa: SLF001
        return box

    @property
    def area(self) -> float:
        """Width times height."""
        return self.w * self.h

    @property
    def center_distance(self) -> float:
        """How far its centre is from the region's."""
        return math.hypot(self.cx - 0.5, self.cy - 0.5)

    def to_corners_pixels(self, width: float, height: float) -> npt.NDArray[np.float64]:
        """Return the corners (4, 2) in pixels of a region of this size."""
        return turned_corners(self.cx * width, self.cy * height, self.w * width, self.h * height, self.angle)

    def frame_corners(self, width: float, height: float) -> npt.NDArray[np.float64]:
        """Return the corners (4, 2) in pixels of the whole frame, whose size this is."""
        region = self._frame or BBox(0, 0, 1, 1)
        inside = self.to_corners_pixels(region.width * width, region.height * height)
        return np.asarray(inside + np.array([region.x0 * width, region.y0 * height]))


def turned_corners(cx: float, cy: float, w: float, h: float, angle: float) -> npt.NDArray[np.float64]:
    cosine, sine = math.cos(angle), math.sin(angle)
    halves = np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) / 2
    return np.asarray(halves @ np.array([(cosine, sine), (-sine, cosine)]) + np.array([cx, cy]))


class TrackedObjectState(enum.IntEnum):
    """How a track stands; each can be written in capitals, too (ours)."""

    new = NEW = 0
    tracked = TRACKED = 1
    lost = LOST = 2
    removed = REMOVED = 3


@dataclass(slots=True)
class TrackedObject(_HasBox):
    """A thing followed from frame to frame: where it is believed to be, and what it was when last found.

    `latest_det_id` is its place in this frame's list, -1 where it was not found.
    """

    track_id: int
    predicted_bbox: BBox
    state: TrackedObjectState
    tracked: Any
    latest_det_id: int = -1

    @property
    def bbox(self) -> BBox:  # type: ignore[override]
        """The predicted box."""
        return self.predicted_bbox

    @property
    def class_id(self) -> Any:
        """Class of what was found last."""
        return self.tracked.class_id

    @property
    def score(self) -> float | None:
        """Score of what was found last."""
        score: float | None = self.tracked.score
        return score


@dataclass(slots=True)
class Classification:
    """A class with its score."""

    class_id: Any
    score: float


@dataclass(slots=True, eq=False)
class DepthMap:
    """Depths, float32 (height, width) at the model's size."""

    depth: npt.NDArray[np.float32]


@dataclass(slots=True, eq=False)
class SemanticSegmentation:
    """A class for each pixel, (height, width) at the model's size. The vendor has not published its fields: ours."""

    class_map: npt.NDArray[Any]
