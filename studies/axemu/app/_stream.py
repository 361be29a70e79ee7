"""Frames of sources with what a network finds on them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from axelera.runtime import op
from axelera.runtime.cv import Image, Source, create_source
from axelera.runtime.display import draw
from axemu.app._pipelines import Described, describe, pipeline
from axemu.driver import InvalidArgument

Origin = str | os.PathLike[str] | Source | Iterable[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame and what was found on it.

    Attributes:
        image: the frame, as its source gave it.
        objects: what was found: objects of `axelera.runtime.op`, whose boxes are in 0..1 of the image; a
            `SemanticSegmentation` for networks that classify pixels.
        stream_id: which of the sources it is from.
        number: how many frames of that source came before.
    """

    image: Any
    objects: Any
    stream_id: int
    number: int

    def picture(self) -> Image:
        """Return the image with the objects drawn onto it, RGB."""
        return draw(self.image, self.objects)


class InferenceStream:
    """Iterate over it to run; made by `create_inference_stream`. Frames of several sources take turns."""

    def __init__(self, model: Described, operators: op.Seq, sources: list[Origin], frames: int) -> None:
        self.model = model
        self.pipeline = operators
        self.sources = dict(enumerate(sources))
        self._frames = frames
        self._stopped = False

    def __iter__(self) -> Iterator[Frame]:
        came_from: deque[tuple[int, int]] = deque()
        self._stopped = False
        with ExitStack() as open_sources:
            frames = self._in_turn(open_sources, came_from)
            for image, objects in self.pipeline.stream(frames):
                stream_id, number = came_from.popleft()
                yield Frame(image, objects, stream_id, number)

    def stop(self) -> None:
        """Read no further frame; those that were read still come."""
        self._stopped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _in_turn(self, open_sources: ExitStack, came_from: deque[tuple[int, int]]) -> Iterator[Any]:
        left = {}
        for stream_id, source in self.sources.items():
            opened = create_source(source) if isinstance(source, str | os.PathLike) else source
            if isinstance(opened, Source):
                open_sources.callback(opened.close)
            left[stream_id] = iter(opened)
        count = number = 0
        while left:
            for stream_id in list(left):
                if self._stopped or (self._frames and count == self._frames):
                    return
                try:
                    frame = next(left[stream_id])
                except StopIteration:
                    del left[stream_id]
                    continue
                came_from.append((stream_id, number))
                count += 1
                yield frame
            number += 1


def create_inference_stream(
    network: str | Path,
    sources: Origin | list[Origin],
    *,
    frames: int = 0,
    confidence: float = 0.25,
    iou: float = 0.45,
    top: int = 5,
    build: str | Path = "build",
) -> InferenceStream:
    """Make a stream of frames with what a network finds on them, on all cores of the boards.

    Args:
        network: name in the zoo (compiled at first use, which takes a minute or so), or a compiled model of one core with
            its model_info.json.
        sources: an image, a directory, a video, a camera, a URL, anything that yields images (arrays are BGR, as OpenCV reads them); or a list
            of these.
        frames: how many frames at most; 0 for all.
        confidence: lowest score of a box.
        iou: overlap above which two boxes are one.
        top: how many classes a classifier names.
        build: directory that holds compiled networks of the zoo.

    Raises:
        InvalidArgument: there is no such network, it does not say enough of itself, or no source is given.
        FileNotFoundError: at the first frame: there is no such source.
    """
    given: list[Origin] = list(sources) if isinstance(sources, list | tuple) else [sources]
    if any(hasattr(one, "shape") or hasattr(one, "convert") for one in given):
        given = [given]  # images themselves are one source
    if not given:
        raise InvalidArgument("sources: none given")
    model = describe(network, build=Path(build))
    return InferenceStream(model, pipeline(model, confidence=confidence, iou=iou, top=top), given, frames)
