"""Videos and live sources, read with OpenCV."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import op
from axelera.runtime.cv import VideoSource, create_source

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: pip install 'axemu[video]'")
FRAMES = 40


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Frame k is grey of 6 k."""
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for index in range(FRAMES):
        writer.write(np.full((48, 64, 3), 6 * index, np.uint8))
    writer.release()
    return path


def test_a_file_gives_every_frame_in_order_with_its_time(video: Path) -> None:
    with create_source(video) as source:
        assert (source.fps, source.frame_count) == (25, FRAMES)
        frames = list(source)
    assert [round(float(frame.to_numpy().mean()) / 6) for frame in frames] == list(range(FRAMES))
    assert [frame.presentation_timestamp for frame in frames[:3]] == [0, 40_000, 80_000]
    assert frames[0].color_format.name == "BGR"


def test_a_file_waits_for_its_reader_and_a_live_source_drops_frames(video: Path) -> None:
    with create_source(video, buffer_size=4) as source:
        slow = []
        for frame in source:
            time.sleep(0.005)
            slow.append(frame)
    assert len(slow) == FRAMES
    with create_source(video, buffer_size=4, live_source=True) as source:
        time.sleep(0.5)  # long enough to read all, of which four wait
        assert source.frame_count == 0
        assert 1 <= len(list(source)) <= 5


def test_a_live_source_that_ended_stays_ended(video: Path) -> None:
    with create_source(video, live_source=True) as source:
        assert list(source)
        assert list(source) == []


def test_a_live_source_that_cannot_be_read_any_more_ends(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: VideoSource) -> None:
        raise ValueError("unplugged")

    errors: list[object] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    monkeypatch.setattr(VideoSource, "_read", broken)
    with create_source(video, live_source=True, buffer_size=1) as source:
        assert list(source) == []
    assert len(errors) == 1


def test_a_closed_source_ends(video: Path) -> None:
    source = create_source(video)
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []


def test_a_pipeline_streams_a_path(video: Path) -> None:
    pipeline = op.seq(op.color_convert("GRAY"), lambda image: round(float(image.to_numpy().mean()) / 6))
    assert [result for _, result in pipeline.stream(str(video))] == list(range(FRAMES))


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match=r"a\.mp4: OpenCV cannot open it"):
        create_source(tmp_path / "a.mp4")


def test_without_opencv_the_extra_is_named(video: Path) -> None:
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "from axelera.runtime.cv import create_source\n"
        "try: create_source(sys.argv[1])\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(video)], capture_output=True, text=True, check=True
    )
    assert "pip install 'axemu[video]'" in done.stdout
