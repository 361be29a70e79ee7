"""What is recorded is replayed, and summed up, as it was seen."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.unit.monitor._snapshots import snapshot

from axemu.driver import InvalidArgument
from axemu.emulator.watching import Snapshot
from axemu.monitor import Recorder, Replay, Tracks, draw, markdown, read_recording, write_svg


def record(path: Path, snapshots: list[Snapshot]) -> Path:
    with Recorder(path) as recorder:
        for one in snapshots:
            recorder.take([one])
            recorder.take([one])  # a look that finds nothing new
    return path


def test_each_snapshot_is_recorded_once_and_comes_back_equal(tmp_path: Path, run_of: list[Snapshot]) -> None:
    assert list(read_recording(record(tmp_path / "a", run_of))) == run_of


def test_a_recording_gives_the_summary_of_what_was_seen(tmp_path: Path, run_of: list[Snapshot]) -> None:
    path = record(tmp_path / "a", run_of)
    assert markdown(read_recording(path)) == markdown(run_of)
    for name, source in (("live.svg", run_of), ("file.svg", read_recording(path))):
        write_svg(source, tmp_path / name)
    assert (tmp_path / "live.svg").read_bytes() == (tmp_path / "file.svg").read_bytes()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="exists; remove it"):
        Recorder(tmp_path / "a")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "mine"


def test_a_last_line_that_was_never_finished_is_left_out(tmp_path: Path, run_of: list[Snapshot]) -> None:
    path = record(tmp_path / "a", run_of)
    path.write_bytes(path.read_bytes()[:-10])
    assert list(read_recording(path)) == run_of[:-1]


@pytest.mark.parametrize("line", [b"{}\n", b"[[\n", b"\xff\n", b"\n", b"9" * (2 << 20)])
def test_a_line_that_is_no_snapshot_is_named(tmp_path: Path, run_of: list[Snapshot], line: bytes) -> None:
    path = record(tmp_path / "a", run_of[:1])
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(InvalidArgument, match="a, line 2: "):
        list(read_recording(path))


LINE = snapshot(100, 1.0, 500).model_dump_json().encode() + b"\n"


@settings(max_examples=sample(40, 2000))
@given(st.integers(0, len(LINE)), st.integers(0, 8), st.binary(max_size=8))
def test_a_damaged_recording_is_read_or_refused(start: int, length: int, new: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(LINE + LINE[:start] + new + LINE[start + length :])
        with suppress(InvalidArgument):
            found = list(read_recording(path))
            assert found
            markdown(found)
            draw(Replay(found, "a").at(1e9), {}, 1e9)


def test_a_replay_shows_what_one_saw_at_each_moment(run_of: list[Snapshot]) -> None:
    replay, tracks = Replay(run_of, "a"), Tracks()
    for one in run_of:
        assert replay.at(one.at + 0.5) == tracks.follow([one])


def test_a_replay_may_go_back(run_of: list[Snapshot]) -> None:
    replay = Replay(run_of, "a")
    first = replay.at(101)
    replay.at(103)
    assert replay.at(101) == first


def test_a_program_is_gone_some_seconds_after_its_end(run_of: list[Snapshot]) -> None:
    later = snapshot(200, 1.0, 1, pid=8)
    replay = Replay([*run_of, later], "a")
    assert [one.snapshot.pid for one in replay.at(104)] == [7]
    assert [one.snapshot.pid for one in replay.at(200)] == [8]


def test_an_empty_recording_cannot_be_replayed() -> None:
    with pytest.raises(InvalidArgument, match="holds no snapshot"):
        Replay([], "a")


def test_a_summary_tells_totals_changes_and_the_hottest_moment(run_of: list[Snapshot]) -> None:
    text = markdown(run_of)
    assert "Pace virtual; ended after 4.000 s of board time and 3.0 s of watching; 4 snapshots" in text
    assert "| 0 net | metis-0:1:0 | 0, 1 | 1000 | 250.0 | 1.000 | 2.000 |" in text
    assert (
        "| metis-0:1:0 (m2) | 50.0%, 50.0%, 50.0%, 50.0% | 25.0% | 3.725 GiB | 5.0 W | 70 °C | none | none |"
        in text
    )
    assert "- 3.000 s: metis-0:1:0 core 3: clock 800 → 400 MHz" in text


def test_names_are_no_markup(run_of: list[Snapshot]) -> None:
    text = markdown([one.model_copy(update={"program": "<b>|*x*"}) for one in run_of])
    assert r"## \<b\>\|\*x\*" in text


def test_nothing_seen_is_said(tmp_path: Path) -> None:
    assert "No program ran frames" in markdown([])
    with pytest.raises(InvalidArgument, match="nothing to draw"):
        write_svg([], tmp_path / "a.svg")
