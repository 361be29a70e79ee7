"""Windows without a screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr
from axelera.runtime import cv, display, op
from axelera.runtime.op import BBox, DetectedObject


def black() -> np.ndarray:
    return np.zeros((40, 60, 3), np.uint8)


def lit(result: Any, image: np.ndarray | None = None) -> np.ndarray:
    """Where drawing changed a picture."""
    base = black() if image is None else image
    return (display.draw(base, result).to_numpy() != base[:, :, ::-1]).any(axis=2)


def test_a_box_is_drawn_where_it_is() -> None:
    changed = lit([DetectedObject(0, 1, BBox(0.25, 0.25, 0.75, 0.75), 0.5)])
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max(), columns.min()) == (10, 29, 15)


@pytest.mark.parametrize(
    "result",
    [
        op.PoseObject(0, [op.Keypoint(0.5, 0.5, 0.9)], BBox(0.1, 0.1, 0.9, 0.9), 0.9, 0),
        op.SegmentedObject(0, 0, np.full((5, 5), 255, np.uint8), BBox(0, 0, 1, 1), 0.9),
        op.OrientedObject(0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9),
        op.Classification(op.CocoClasses.dog, 0.9),
        op.DepthMap(np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)),
        op.SemanticSegmentation(np.array([[0, 1]])),
        op.SemanticSegmentation(np.array([[-1, 1 << 40]])),
        ([DetectedObject(0, 0, BBox(0, 0, 0.5, 0.5), 0.9)], [[op.Classification(1, 0.5)]]),
    ],
    ids=lambda result: type(result).__name__,
)
def test_every_result_is_drawn(result: Any) -> None:
    assert lit(result).any()


@pytest.mark.parametrize("result", [None, [], "nothing"])
def test_nothing_is_drawn_of_nothing(result: Any) -> None:
    assert not lit(result, np.full((8, 8, 3), (1, 2, 3), np.uint8)).any()


def test_a_window_keeps_what_it_was_shown_and_waits_for_nobody() -> None:
    with display.App(renderer="auto") as app:
        window = app.create_window("street", (800, 500), expose_surface=True)
        assert window.picture() is None
        window(cv.Image.from_array(black(), "RGB"), [])
        handle = window.text("2%, 8%", "1 frame", existing=None)
        assert window.text("2%, 8%", "2 frames", existing=handle) is handle
        assert handle["text"] == "2 frames"
        window.wait_for_close()
        assert not window.is_closed
        assert window.shown == 1
        done: list[int] = []
        app.start_thread(done.append, args=(1,), name="work")
        app.run(interval=0.1)
        assert done == [1]
    assert window.is_closed


def test_renderers_with_a_screen_are_refused_by_name() -> None:
    with pytest.raises(axr.NotImplemented, match="'opencv' needs a screen"):
        display.App(renderer="opencv")
    with pytest.raises(axr.InvalidArgument, match="'x'"):
        display.App(renderer="x")
    with pytest.raises(TypeError, match="is no image"):
        display.App().create_window("a", (1, 1))("a picture")


def test_the_image_is_at_the_top_of_the_package() -> None:
    assert axr.Image is cv.Image
