"""The screen: boards that run, or a recording of some. Needs textual."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from axemu.driver import AxeleraError, Holder
from axemu.emulator.watching import Watcher
from axemu.monitor._draw import draw
from axemu.monitor._recording import Recorder, Replay
from axemu.monitor._track import Rates, Tracks

TICK = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class View:
    """What the screen shows: a line about where it comes from, and the boards as of `now`, seconds since 1970."""

    about: str
    rates: Sequence[Rates]
    held: Mapping[str, Sequence[Holder]]
    now: float


class Source(Protocol):
    """Where views come from; where it `can_step`, `step` goes a snapshot on (1) or back (-1)."""

    can_step: ClassVar[bool]

    def view(self, paused: bool) -> View:
        """Return the next view."""

    def step(self, count: int) -> None:
        """Go on or back."""


class Live:
    """Boards of other processes, recorded if there is a recorder."""

    can_step: ClassVar[bool] = False

    def __init__(self, watcher: Watcher, recorder: Recorder | None = None) -> None:
        self._watcher, self._recorder = watcher, recorder
        self._tracks = Tracks()
        self._shown: View | None = None

    def view(self, paused: bool) -> View:
        """Look; while paused what was seen last stays, and is recorded on."""
        snapshots = self._watcher.look()
        about = "running boards, simulated"
        if self._recorder is not None:
            self._recorder.take(snapshots)
            about += f" · {self._recorder.count} snapshots recorded"
        rates = self._tracks.follow(snapshots)
        if not paused or self._shown is None:
            self._shown = View(about, rates, self._watcher.held(), time.time())
        return self._shown

    def step(self, count: int) -> None:
        """Do nothing: time cannot be stepped."""


class Replayed:
    """A recording, as fast as it was recorded."""

    can_step: ClassVar[bool] = True

    def __init__(self, replay: Replay, clock: Callable[[], float] = time.monotonic) -> None:
        self._replay, self._clock = replay, clock
        self._moments = replay.moments
        self._moment, self._before = self._moments[0], clock()

    def view(self, paused: bool) -> View:
        """Go on by the time that has passed."""
        now = self._clock()
        if not paused:
            self._moment = min(self._moments[-1], self._moment + now - self._before)
        self._before = now
        done, whole = self._moment - self._moments[0], self._moments[-1] - self._moments[0]
        about = f"a recording, simulated · {done:.1f} of {whole:.1f} s"
        return View(about, self._replay.at(self._moment), {}, self._moment)

    def step(self, count: int) -> None:
        """Go to the next snapshot, or the one before."""
        later = [moment for moment in self._moments if moment > self._moment] or self._moments[-1:]
        earlier = [moment for moment in self._moments if moment < self._moment] or self._moments[:1]
        self._moment = later[0] if count > 0 else earlier[-1]


class MonitorApp(App[AxeleraError | OSError | None]):
    """Shows a source until one quits; ends with the error of a source that fails."""

    CSS = """
    #about { dock: top; background: $primary; color: $text; padding: 0 1; height: 1; }
    #boards { padding: 0 1; }
    """
    TITLE = "axmonitor"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("space", "pause", "Pause"),
        Binding("left", "step(-1)", "Back", priority=True),
        Binding("right", "step(1)", "On", priority=True),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._paused = False

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="about", markup=False)
        with VerticalScroll():
            yield Static(id="boards")
        yield Footer()

    def on_mount(self) -> None:
        """Look now and again."""
        self.refresh_view()
        self.set_interval(TICK, self.refresh_view)

    def refresh_view(self) -> None:
        """Show what there is now."""
        try:
            view = self._source.view(self._paused)
        except (AxeleraError, OSError) as error:  # the disk is full, the directory is gone
            self.exit(error)
            return
        paused = " · paused" if self._paused else ""
        self.query_one("#about", Static).update(f"axmonitor · {view.about}{paused}")
        self.query_one("#boards", Static).update(draw(view.rates, view.held, view.now, self.size.width - 4))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer steps where there are any."""
        return action != "step" or self._source.can_step

    def action_pause(self) -> None:
        """Stop or go on."""
        self._paused = not self._paused
        self.refresh_view()

    def action_step(self, count: int) -> None:
        """Go on or back by a snapshot, and stay there."""
        self._paused = True
        self._source.step(count)
        self.refresh_view()
