"""Windows that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from axelera.runtime.cv import Image
from axelera.runtime.display._draw import draw
from axemu.driver import InvalidArgument, NotImplemented  # noqa: A004

_NEED_A_SCREEN = ("opencv", "console", "iterm2", "opengl", "vulkan")


class LayerHandle(dict[str, Any]):
    """A text or shape over a window; its properties may be changed."""

    __slots__ = ()


class Window:
    """What a program shows its frames in. Called with an image and what was found on it."""

    def __init__(self, title: str, size: tuple[int, int]) -> None:
        self.title = title
        self.size = size
        self.shown = 0
        """How many frames were shown (ours)."""
        self._latest: tuple[Any, Any] | None = None
        self._layers: list[LayerHandle] = []
        self._closed = False

    def __call__(self, image: Any, result: Any = None) -> None:
        """Show an image: an `Image`, or an array, whose colours are BGR.

        Raises:
            TypeError: it is no image.
            ValueError: it is an array of another dtype or shape.
        """
        self._latest = (Image.from_any(image, "BGR"), result)
        self.shown += 1

    def picture(self) -> Image | None:
        """Return what was shown last, with what was found drawn onto it (ours); None before the first frame."""
        return None if self._latest is None else draw(*self._latest)

    @property
    def is_closed(self) -> bool:
        """Whether the program closed it: nobody else can."""
        return self._closed

    def wait_for_close(self) -> None:
        """Return at once: nobody is there to close it."""

    def close(self) -> None:
        """Close it."""
        self._closed = True

    def options(self, stream_id: int = 0, **options: Any) -> None:
        """Accept how a stream is shown, such as `title`."""

    def text(
        self, position: str, text: str, *, existing: LayerHandle | None = None, **options: Any
    ) -> LayerHandle:
        """Put a text over the window, or change the one that `existing` is."""
        layer = existing if existing is not None else LayerHandle()
        if existing is None:
            self._layers.append(layer)
        layer.update(options, position=position, text=text)
        return layer

    def save_output_video(self, path: str, fps: float = 30) -> None:
        """Refuse: frames are not composed without a renderer.

        Raises:
            NotImplemented: always.
        """
        raise NotImplemented(  # noqa: F901  the documented exception
            f"{path}: videos are not written without a renderer ({fps} frames per second); draw frames with "
            "axelera.runtime.display.draw and write them with OpenCV"
        )


class App:
    """Owner of windows; a context manager.

    Args:
        renderer: "none" or "auto", or False or True, which mean the same here.

    Raises:
        NotImplemented: another renderer of the vendor's, which needs a screen.
        InvalidArgument: there is none of that name.
    """

    def __init__(self, renderer: str | bool = "auto", **options: Any) -> None:  # noqa: ARG002  of other renderers
        if renderer in _NEED_A_SCREEN:
            raise NotImplemented(  # noqa: F901  the documented exception
                f"renderer {renderer!r} needs a screen, which is not here; use 'none' or 'auto'"
            )
        if renderer not in ("none", "auto", True, False):
            raise InvalidArgument(f"renderer {str(renderer)[:100]!r}; there are none and auto")
        self.windows: list[Window] = []

    def create_window(
        self,
        title: str,
        size: tuple[int, int],
        expose_surface: bool = False,  # noqa: ARG002  nothing to expose
    ) -> Window:
        """Make a window."""
        window = Window(title, size)
        self.windows.append(window)
        return window

    def start_thread(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        name: str | None = None,  # noqa: ARG002  there is no thread to name
    ) -> None:
        """Call the function at once, in this thread: there is no loop of events to keep free."""
        function(*args)

    def run(self, interval: float = 1 / 30) -> None:
        """Return at once: there are no events."""

    def close(self) -> None:
        """Close all windows."""
        for window in self.windows:
            window.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
