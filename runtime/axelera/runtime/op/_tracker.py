"""Objects followed from frame to frame."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np

from axelera.runtime.op._frame import current_frame, image_size
from axelera.runtime.op._tracking import ALGORITHMS, Track
from axelera.runtime.op._turns import Ordered
from axelera.runtime.op._types import BBox, TrackedObject, TrackedObjectState
from axemu.driver import InvalidArgument, NotImplemented  # noqa: A004

NOWHERE = (640, 640)
"""Size of an image that nobody told of: trackers count in pixels."""


class Tracker(Ordered):
    """Give objects of frame after frame numbers that stay with them. Made by `tracker`.

    Within a stream frames come in their order, whatever is in flight. Each pipeline has tracks of its own; so has a copy that
    `optimized` makes.
    """

    def __init__(
        self,
        algo: str = "bytetrack",
        *,
        return_all_states: bool = False,
        reid: Any = None,
        **parameters: Any,
    ) -> None:
        """Choose an algorithm and its parameters, which are attributes then.

        Args:
            algo: bytetrack, oc-sort, sort or tracktrack, in any case, with or without the hyphen.
            return_all_states: return lost and removed tracks, and those that may still be chance, too.
            reid: only None.
            parameters: as `docs/reference/op.md` lists them.

        Raises:
            InvalidArgument: there is no such algorithm, or it has no such parameter.
            NotImplemented: a parameter asks for what is not published.
        """
        spelled = {name.replace("-", ""): name for name in ALGORITHMS}
        given, algo = algo, spelled.get(re.sub(r"[-_ ]", "", str(algo).lower()), "")
        if not algo:
            raise InvalidArgument(
                f"tracker: algo {str(given)[:100]!r}; there are {', '.join(sorted(ALGORITHMS))}"
            )
        if reid is not None:
            raise NotImplemented("tracker: reid is not here: what it has to return is not published")  # noqa: F901
        self.algo = algo
        self.return_all_states = return_all_states
        self.reid = reid
        known = {field.name: field.default for field in fields(ALGORITHMS[algo].parameters)}
        if unknown := sorted(set(parameters) - set(known)):
            raise InvalidArgument(
                f"tracker: {algo} has no parameter {', '.join(unknown)}; it has {', '.join(known)}"
            )
        self._names = tuple(known)
        vars(self).update(known | parameters)
        self._of_algorithm()
        self.reset()

    def reset(self) -> None:
        """Forget all tracks (ours)."""
        self._tracking = ALGORITHMS[self.algo]()
        self._found: dict[int, Any] = {}
        self._lock = threading.Lock()

    def parameters(self) -> dict[str, Any]:
        """Return all, as they are now."""
        names = ("algo", "return_all_states", "reid", *self._names)
        return {name: getattr(self, name) for name in names}

    def with_children(self, children: tuple[Any, ...]) -> Self:
        """Return one with the same parameters and no tracks."""
        copy = super().with_children(children)
        copy.reset()
        return copy

    def _of_algorithm(self) -> Any:
        return ALGORITHMS[self.algo].parameters(**{name: getattr(self, name) for name in self._names})

    def __call__(self, objects: Sequence[Any]) -> list[TrackedObject]:
        """Take the objects of the next frame; return those with a number, the oldest track first.

        Raises:
            TypeError: something in the list has no `bbox`.
        """
        size = _size()
        for one in objects:
            if not isinstance(getattr(one, "bbox", None), BBox):
                raise TypeError(
                    f"tracker: a {type(one).__name__} has no bbox; put ax_detection or the like before it"
                )
        scale = np.array(size * 2, np.float64)
        boxes = np.array([one.bbox.xyxy() for one in objects], np.float64).reshape(-1, 4) * scale
        scores = np.array([1.0 if one.score is None else one.score for one in objects], np.float64)
        with self._turn(), self._lock:
            tracks, ended = self._tracking.advance(boxes, scores, self._of_algorithm())
            found = {track.number: objects[track.detection] for track in tracks if track.detection >= 0}
            self._found |= found
            least = getattr(self, "min_box_area", 0.0)
            result = [
                self._tracked(track, state, scale)
                for track, state in [
                    *((track, _state(track)) for track in tracks),
                    *((track, TrackedObjectState.removed) for track in ended),
                ]
                if self.return_all_states
                or (
                    track.confirmed
                    and not track.missed
                    and state < TrackedObjectState.lost
                    and _area(track) >= least
                )
            ]
            for track in ended:
                del self._found[track.number]
        return result

    def _tracked(self, track: Track, state: TrackedObjectState, scale: Any) -> TrackedObject:
        x0, y0, x1, y1 = (track.filter.box / scale).tolist()
        box = BBox(x0, y0, x1, y1)
        frame = current_frame()
        if frame is not None and frame.parent is not None:
            box._frame = box.in_frame_of(frame.parent)  # noqa: SLF001
        place = track.detection if state < TrackedObjectState.lost else -1
        return TrackedObject(track.number, box, state, self._found[track.number], place)

    def __repr__(self) -> str:
        return f"tracker({self.algo!r})"


def _size() -> tuple[int, int]:
    """Return (width, height) of what is looked at."""
    frame = current_frame()
    try:
        return NOWHERE if frame is None else image_size(frame.image)
    except TypeError:
        return NOWHERE


def _area(track: Track) -> float:
    left, top, right, bottom = track.filter.box
    return float((right - left) * (bottom - top))


def _state(track: Track) -> TrackedObjectState:
    if track.missed:
        return TrackedObjectState.lost
    return TrackedObjectState.tracked if track.reported else TrackedObjectState.new


tracker = Tracker
