"""The screen, driven by keys."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import pytest
from rich.console import Console
from tests.unit.monitor._snapshots import snapshot
from textual.pilot import Pilot
from textual.widgets import Static

from axemu.driver import AxeleraError, Holder, InvalidArgument
from axemu.emulator.watching import Snapshot, Watcher
from axemu.monitor import Replay, Tracks, draw
from axemu.monitor.screen import Live, MonitorApp, Replayed, Source, View

Act = Callable[[MonitorApp, Pilot[AxeleraError | OSError | None]], Awaitable[None]]


def show(source: Source, act: Act) -> None:
    async def run() -> None:
        app = MonitorApp(source)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(run())


def about(app: MonitorApp) -> str:
    return str(app.query_one("#about", Static).render())


def screen(app: MonitorApp) -> str:
    """Return what stands on the screen."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text.rstrip() for line in lines)


class Clock:
    """Goes on when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replayed(run_of: list[Snapshot], clock: Clock) -> Replayed:
    return Replayed(Replay(run_of, "a"), clock)


def test_a_recording_goes_on_as_fast_as_it_was_recorded(replayed: Replayed, clock: Clock) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        assert "0.0 of 3.0 s" in about(app)
        clock.now = 2.0
        app.refresh_view()
        await pilot.pause()
        assert "2.0 of 3.0 s" in about(app)
        assert "200.0" in screen(app)

    show(replayed, act)


def test_arrows_step_from_snapshot_to_snapshot(replayed: Replayed) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        for key, moment in (("right", 1), ("right", 2), ("right", 3), ("right", 3), ("left", 2)):
            await pilot.press(key)
            assert f"{moment}.0 of 3.0 s · paused" in about(app)

    show(replayed, act)


def test_space_pauses_and_goes_on(replayed: Replayed, clock: Clock) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        await pilot.press("space")
        clock.now = 1.0
        app.refresh_view()
        assert about(app).endswith("0.0 of 3.0 s · paused")
        await pilot.press("space")
        clock.now = 3.0
        app.refresh_view()
        assert about(app).endswith("2.0 of 3.0 s")

    show(replayed, act)


def test_q_quits(replayed: Replayed) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running

    show(replayed, act)


def test_a_source_that_fails_ends_the_screen_with_its_error() -> None:
    class Failing:
        can_step = False

        def view(self, paused: bool) -> View:  # noqa: ARG002
            raise InvalidArgument("disk full")

        def step(self, count: int) -> None:
            pass

    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        assert not app.is_running
        assert str(app.return_value) == "disk full"

    show(Failing(), act)


def test_all_that_matters_stands_in_80_columns(replayed: Replayed, clock: Clock) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        clock.now = 3.0
        app.refresh_view()
        await pilot.pause()
        shown = screen(app)
        for words in (
            "app.py (7)", "virtual", "board time", "metis-0:1:0", "m2", "400 100%", "50.0%", "1.00 GB/s",
            "5.0 W, 70 °C, 99 °C in the long run", "limits none", "0 net", "100.0", "250.0", "1.500", "2.500", "1000",
        ):  # fmt: skip
            assert words in shown
        assert "…" not in shown

    show(replayed, act)


def test_long_names_leave_room_for_long_figures() -> None:
    name = "a-rather-long-name-" * 5
    one = snapshot(100, 1000.0, 12_345_678, program=name, pid=1_234_567)
    board = one.boards[0].model_copy(
        update={
            "cores": tuple(
                core.model_copy(update={"held_by": f"1234567 {name}"}) for core in one.boards[0].cores
            )
        }
    )
    instance = one.instances[0].model_copy(
        update={
            "model": name,
            "cores": (0, 1, 2, 3),
            "double_buffer": True,
            "recent_ms": (1234.567, 2345.678),
        }
    )
    others = (board.model_copy(update={"name": "metis-0:3:0"}),)
    one = one.model_copy(update={"boards": (board, *others), "instances": (instance,)})
    shown = plain(Tracks().follow([one]), {}, 103.0, width=80)
    assert max(map(len, shown.splitlines())) <= 80
    headline, row = (
        next(line for line in shown.splitlines() if words in line) for words in ("(1234567)", "0:0-3*")
    )
    assert headline.endswith("1000.000 s of board time · virtual, replayed 3 s ago")
    assert row.split()[-4:] == ["12345.7", "1234.567", "2345.678", "12345678"]
    assert shown.count("800 100%") == 8
    assert shown.count("1234567 a-rather") == 8


def test_running_boards_cannot_be_stepped(own_boards: None) -> None:
    async def act(app: MonitorApp, pilot: Pilot[AxeleraError | OSError | None]) -> None:
        await pilot.press("right")
        assert "paused" not in about(app)
        assert "No program holds an emulated board." in screen(app)

    with Watcher() as watcher:
        show(Live(watcher), act)


def plain(*arguments: object, width: int = 100) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(draw(*arguments))  # type: ignore[arg-type]
    return file.getvalue()


def test_a_program_that_holds_cores_and_tells_nothing_is_named() -> None:
    text = plain([], {"metis-0:1:0": (Holder(9, "idle.py", (2, 3)),)}, 0.0)
    assert "metis-0:1:0: process 9 (idle.py) holds cores 2, 3; no figures yet" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pace": "virtual"}, "virtual, replayed 2 s ago"),
        ({"pace": "realtime"}, "realtime, live"),
        ({"pace": "realtime", "every": 0.5}, "realtime, 2 s old"),
        ({"ended": True}, "virtual, ended"),
    ],
)
def test_it_says_of_which_time_the_figures_are(changes: dict[str, object], words: str) -> None:
    assert words in plain(Tracks().follow([snapshot(100, 1.0, 10, **changes)]), {}, 102.0)
