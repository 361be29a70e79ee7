"""Where frames come from."""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from axelera.runtime.cv._image import ColorFormat, Image
from axemu.driver import InvalidArgument

IMAGES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"))
_LIVE = re.compile(r"(rtsps?|rtp|rtmps?|srt|udp)://|/dev/video\d+$", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_END = object()


class Source(ABC):
    """Frames in their order; a context manager that closes itself."""

    fps: float = 0.0
    """Frames per second; 0 where time means nothing."""
    frame_count: int = 0
    """Number of frames; 0 where nobody knows."""

    @abstractmethod
    def __iter__(self) -> Iterator[Image]:
        """Yield the frames."""

    def close(self) -> None:  # noqa: B027  images hold nothing open
        """Stop; a second time it does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


Reader = Source


class _ImageSource(Source):
    """Files of images, one frame each."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self.frame_count = len(paths)
        self._closed = False

    def __iter__(self) -> Iterator[Image]:
        for path in self._paths:
            if self._closed:
                return
            yield read_image(path)

    def close(self) -> None:
        """Yield no further image."""
        self._closed = True


def read_image(path: Path) -> Image:
    """Read an image, upright as its camera says.

    Raises:
        RuntimeError: it cannot be decoded.
    """
    import PIL.Image  # noqa: PLC0415  slow to import
    import PIL.ImageOps  # noqa: PLC0415

    try:
        with PIL.Image.open(path) as opened:
            upright = PIL.ImageOps.exif_transpose(opened)
            return Image.from_pil(upright, str(path))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise RuntimeError(f"{path}: cannot be decoded as an image: {error}") from error


class VideoSource(Source):
    """A video or camera, decoded by OpenCV.

    A file waits for its reader. A live source is read all the time, and drops frames when `buffer_size` of them wait.
    """

    def __init__(self, path: str, *, live: bool = False, buffer_size: int = 30) -> None:
        """Open it.

        Raises:
            ImportError: OpenCV is missing.
            RuntimeError: it cannot be opened.
        """
        try:
            import cv2  # noqa: PLC0415  an extra
        except ImportError as error:
            raise ImportError(
                f"{path}: videos and cameras are read with OpenCV; pip install 'axemu[video]'"
            ) from error
        self._path = path
        self._capture = cv2.VideoCapture(path)
        if not self._capture.isOpened():
            self._capture.release()
            raise RuntimeError(f"{path}: OpenCV cannot open it as a video")
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.frame_count = 0 if live else max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._position = cv2.CAP_PROP_POS_MSEC
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._waiting: queue.Queue[Any] | None = None
        if live:
            self._waiting = queue.Queue(max(1, buffer_size))
            threading.Thread(target=self._keep_reading, name=f"axelera-cv {path}"[:60], daemon=True).start()

    def __iter__(self) -> Iterator[Image]:
        while (frame := self._read() if self._waiting is None else self._taken(self._waiting)) is not _END:
            yield frame

    @staticmethod
    def _taken(waiting: queue.Queue[Any]) -> Any:
        frame = waiting.get()
        if frame is _END:
            waiting.put(frame)  # for whoever else waits, or comes again
        return frame

    def _read(self) -> Any:
        with self._lock:
            if self._closed.is_set():
                return _END
            there, pixels = self._capture.read()
            time_of = self._capture.get(self._position)
        if not there:
            return _END
        return Image(
            np.asarray(pixels, np.uint8),
            ColorFormat.BGR,
            self._path,
            round(time_of * 1000),
            time.monotonic_ns(),
        )

    def _keep_reading(self) -> None:
        assert self._waiting is not None  # noqa: S101
        try:
            while (frame := self._read()) is not _END:
                with suppress(queue.Full):
                    self._waiting.put_nowait(frame)
        finally:  # whatever happened, nobody waits for ever
            if self._waiting.full():
                with suppress(queue.Empty):
                    self._waiting.get_nowait()
            self._waiting.put(_END)

    def close(self) -> None:
        """Stop reading."""
        with self._lock:
            if not self._closed.is_set():
                self._closed.set()
                self._capture.release()


def create_source(
    input_path: str | os.PathLike[str],
    event_callback: Callable[[int, str], None] | None = None,  # noqa: ARG001  OpenCV tells of no events
    buffer_size: int = 30,
    backend: str = "ffmpeg",
    live_source: bool | None = None,
) -> Source:
    """Open an image, a directory of images, a video, a URL or a camera.

    Args:
        input_path: where it is.
        event_callback: accepted; nothing calls it.
        buffer_size: frames of a live source that may wait.
        backend: "ffmpeg" or "opencv"; OpenCV reads in both cases.
        live_source: whether frames are dropped when nobody takes them; by default for cameras and streaming URLs.

    Raises:
        FileNotFoundError: there is no such file or directory.
        ImportError: a video needs OpenCV, the extra `video`.
        InvalidArgument: another backend, or a directory without images.
        RuntimeError: it cannot be decoded.
    """
    if backend not in ("ffmpeg", "opencv"):
        raise InvalidArgument(f"backend {backend!r}; there are ffmpeg and opencv")
    text = os.fspath(input_path)
    live = bool(_LIVE.match(text)) if live_source is None else live_source
    if _URL.match(text) or text.startswith("/dev/video"):
        return VideoSource(text, live=live, buffer_size=buffer_size)
    path = Path(text)
    if path.is_dir():
        paths = sorted(one for one in path.iterdir() if one.suffix.lower() in IMAGES)
        if not paths:
            raise InvalidArgument(f"{path}: holds no image ({', '.join(sorted(IMAGES))})")
        return _ImageSource(paths)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or directory")
    if path.suffix.lower() in IMAGES:
        return _ImageSource([path])
    return VideoSource(text, live=live, buffer_size=buffer_size)
