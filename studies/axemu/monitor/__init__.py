"""Watching emulated boards: rates from snapshots, recordings and their replay, summaries, and what the screen shows.

The screen itself, `axemu.monitor.screen`, needs textual and is loaded by whoever shows it.
"""

from axemu.monitor._draw import draw
from axemu.monitor._markdown import markdown
from axemu.monitor._recording import Recorder, Replay, read_recording
from axemu.monitor._svg import write_svg
from axemu.monitor._track import Rates, Track, Tracks

__all__ = [
    "Rates",
    "Recorder",
    "Replay",
    "Track",
    "Tracks",
    "draw",
    "markdown",
    "read_recording",
    "write_svg",
]
